"""Explorers: controls with a picture and a sentence that follow them, each about one idea."""
