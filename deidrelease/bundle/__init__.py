"""Release bundles: made, approved, and verified by anyone who has the publisher's public key."""
