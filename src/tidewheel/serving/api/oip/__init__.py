"""The Open Inference Protocol, version 2: deployed versions and services as models, over REST and gRPC."""
