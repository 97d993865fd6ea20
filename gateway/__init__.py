"""The farm over HTTP: `rulefarm gateway`, for services in any language and for the load balancer before them."""
