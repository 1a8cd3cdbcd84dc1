"""Compute the picture of the README: ``python docs/picture.py``."""

from pathlib import Path

import matplotlib.pyplot as plt
import torch
from PIL import Image
from skimage.data import chelsea

import tlhelpers as tl
from tlhelpers.plots import COLORS

model = tl.load_resnet50()
photo = Image.fromarray(chelsea())
images = tl.eval_transform(model.weights)(photo)[None]  # (1, 3, 224, 224)
with torch.no_grad(), tl.record_layers(model, "conv1", "layer2", "avgpool") as recorded:
    probabilities, classes = model(images)[0].softmax(dim=0).topk(4)

figure, axes = plt.subplots(1, 5, figsize=(11, 2.7), width_ratios=[1, 1, 1, 0.35, 1], layout="constrained")
axes[0].imshow(tl.denormalize(images, model.weights)[0].permute(1, 2, 0))
axes[0].set_title("a photo")
for ax, layer, title in ((axes[1], "conv1", "64 convolutions"), (axes[2], "layer2", "22 layers on: 512 maps")):
    maps = recorded[layer][0, :16].relu()
    maps = maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    ax.imshow(torch.cat([torch.cat(list(row), dim=1) for row in maps.split(4)]), cmap="magma")
    ax.set_title(title)
axes[3].imshow(recorded["avgpool"].reshape(64, 32), cmap="magma", aspect="auto")
axes[3].set_title("2048 features")
names = [tl.imagenet_classes()[index] for index in classes]
axes[4].barh(names[::-1], probabilities.flip(0), color=COLORS[0])
axes[4].set(title="a class", xlim=(0, 1), xlabel="probability")
for ax in axes[:4]:
    ax.set_axis_off()
figure.savefig(Path(__file__).parent / "picture.png", dpi=90)
