"""Who is on call, who was, and who will be."""
