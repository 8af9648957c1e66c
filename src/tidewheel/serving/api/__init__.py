"""What may be asked, and in which form: routes, bulk, the Open Inference Protocol, the OpenAPI document."""
