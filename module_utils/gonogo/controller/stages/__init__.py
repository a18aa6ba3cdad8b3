"""What several stages of the controller share."""
