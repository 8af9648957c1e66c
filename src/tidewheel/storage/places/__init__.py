"""The disks, objects and environments that the stores stand on."""
