"""What browsers get from the shop and from the console alike: the files that both share, and how files are served."""
