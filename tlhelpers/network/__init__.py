"""ResNet-50 and its pretrained weights."""
