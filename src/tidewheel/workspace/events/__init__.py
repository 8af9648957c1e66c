"""Events on their way in through a workspace: quality, ticks, erasure, declarations that change."""
