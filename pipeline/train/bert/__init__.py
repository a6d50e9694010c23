"""Fine-tuning a BERT, exporting it for serving without torch, and the cascade of TF-IDF and BERT."""
