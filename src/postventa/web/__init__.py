"""The two web applications: what customers see (`public`) and what the shop sees (`private`). See `services`."""
