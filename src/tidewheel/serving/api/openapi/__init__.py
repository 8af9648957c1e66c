"""The HTTP API as an OpenAPI document, made of what is deployed, and a page that shows it."""
