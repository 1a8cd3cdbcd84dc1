"""Transfer learning for image recognition: the helpers of the notebook series.

This file is the table of contents and nothing else. Every public name is imported from its module
the first time it is used (PEP 562), so that ``import tlhelpers`` is quick.
"""

from importlib import import_module

_MODULE_OF = {
    name: module
    for module, names in {
        "runtime": "set_seed pick_device pick_dtype autocast cache_dir peak_memory",
        "weights": "load_resnet50 list_weights imagenet_classes",
        "resnet": "ResNet50 Bottleneck",
        "data": "ants_and_bees image_folder make_loader stratified_folds Photos PhotoDataset",
        "drawn": "drawn_folder",
        "preprocess": "train_transform eval_transform denormalize",
        "features": "record_layers extract_features keep_below nearest_neighbours",
        "training": "train_one_epoch train_mode evaluate fit EpochResult Evaluation",
        "checkpoint": "save_checkpoint load_checkpoint",
        "strategies": "freeze unfreeze freeze_batch_norm freeze_below train_only rates_by_stage "
        "decay_to_start average_weights stages replace_head head_from_classifier count_parameters",
        "adapters": "AdaptedConv2d add_adapters merge_adapters",
        "memory": "saved_bytes recompute_blocks",
        "profiling": "shortest_time measure_peak measure_bandwidth measure_convolutions time_by_kind",
        "recipes": "transfer fit_probe cross_validate",
        "transferability": "h_score leep log_evidence",
        "widgets": "explore_convolution explore_pooling explore_softmax explore_descent explore_freezing "
        "browse_predictions",
        "plots": "show show_images plot_numbers plot_history plot_confusion plot_features "
        "plot_roofline plot_times",
        "classroom.checks": "check_close check_shape check_frozen",
        "classroom.exercises": "check_exercise check_solution",
        "classroom.progress": "progress",
    }.items()
    for name in names.split()
}

__all__ = sorted([*_MODULE_OF, "byhand", "handmade"])


def __getattr__(name: str):
    if name in ("byhand", "handmade"):
        return import_module(f"tlhelpers.{name}")
    if name in _MODULE_OF:
        return getattr(import_module(f"tlhelpers.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"tlhelpers has no name {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
