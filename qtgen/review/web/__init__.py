"""The app: screens, requests, access and the server."""
