"""What routing is worth, measured on this machine.  rulefarm demo -> [demo] -> farms of its own -> a report

Each file is one step: demo_domains, running_nodes, routing_demo, claims. Hands nothing on."""
