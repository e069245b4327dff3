"""S3 and what speaks like it: signing, credentials, documents, and the store."""
