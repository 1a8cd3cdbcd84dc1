# The table of contents: every public name, and the module that it lives in. Editors, type checkers and
# tlhelpers/__init__.py read it.

from . import byhand
from .classroom.checks import check_close, check_frozen
from .classroom.judging import check_exercise, check_solution
from .classroom.progress import progress
from .cost.memory import recompute_blocks, saved_bytes
from .cost.profiling import measure_bandwidth, measure_convolutions, measure_peak_flops, shortest_time, time_by_kind
from .features.extraction import extract_features, keep_below
from .features.recording import record_layers
from .features.transferability import h_score, leep, log_evidence
from .files import cache_dir
from .machine import peak_memory, pick_device, set_seed
from .network.pretrained import load_resnet50
from .network.resnet import ResNet50
from .network.weights import imagenet_classes
from .photos.ants_and_bees import ants_and_bees
from .photos.datasets import image_folder
from .photos.folds import stratified_folds
from .photos.loading import make_loader
from .photos.solar_cells import solar_cells
from .photos.transforms import denormalize, eval_transform, train_transform
from .photos.tutorial import tutorial_photos
from .plots import (
    plot_confusion,
    plot_features,
    plot_history,
    plot_numbers,
    plot_roofline,
    plot_times,
    show,
    show_images,
)
from .precision import autocast, pick_dtype
from .training.adapters import AdaptedConv2d, add_adapters, merge_adapters
from .training.batch_norm import refresh_batch_norm
from .training.checkpoint import load_checkpoint, save_checkpoint
from .training.fitting import EpochResult, fit
from .training.freezing import (
    count_parameters,
    freeze,
    freeze_batch_norm,
    freeze_below,
    train_mode,
    train_only,
    unfreeze,
)
from .training.heads import head_from_classifier, replace_head
from .training.loop import evaluate, train_one_epoch
from .training.probe import fit_probe
from .training.regularization import average_weights
from .training.transfer import cross_validate, transfer
from .widgets.browser import browse_predictions
from .widgets.convolution import explore_convolution
from .widgets.descent import explore_descent
from .widgets.freezing import explore_freezing
from .widgets.pooling import explore_pooling
from .widgets.softmax import explore_softmax

__all__ = [
    "AdaptedConv2d",
    "EpochResult",
    "ResNet50",
    "add_adapters",
    "ants_and_bees",
    "autocast",
    "average_weights",
    "browse_predictions",
    "byhand",
    "cache_dir",
    "check_close",
    "check_exercise",
    "check_frozen",
    "check_solution",
    "count_parameters",
    "cross_validate",
    "denormalize",
    "eval_transform",
    "evaluate",
    "explore_convolution",
    "explore_descent",
    "explore_freezing",
    "explore_pooling",
    "explore_softmax",
    "extract_features",
    "fit",
    "fit_probe",
    "freeze",
    "freeze_batch_norm",
    "freeze_below",
    "h_score",
    "head_from_classifier",
    "image_folder",
    "imagenet_classes",
    "keep_below",
    "leep",
    "load_checkpoint",
    "load_resnet50",
    "log_evidence",
    "make_loader",
    "measure_bandwidth",
    "measure_convolutions",
    "measure_peak_flops",
    "merge_adapters",
    "peak_memory",
    "pick_device",
    "pick_dtype",
    "plot_confusion",
    "plot_features",
    "plot_history",
    "plot_numbers",
    "plot_roofline",
    "plot_times",
    "progress",
    "recompute_blocks",
    "record_layers",
    "refresh_batch_norm",
    "replace_head",
    "save_checkpoint",
    "saved_bytes",
    "set_seed",
    "shortest_time",
    "show",
    "show_images",
    "solar_cells",
    "stratified_folds",
    "time_by_kind",
    "train_mode",
    "train_one_epoch",
    "train_only",
    "train_transform",
    "transfer",
    "tutorial_photos",
    "unfreeze",
]
