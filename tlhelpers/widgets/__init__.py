"""Explorers: controls over a picture and a sentence, each about one idea, and a static picture without a kernel.

A picture is a function of the values of its controls, drawn with PIL; ``explorer`` ties the two together.
"""
