"""Outputs that are no numbers: they would still have a largest logit, and with it an accuracy."""

from torch import Tensor, nn


def check_outputs(outputs: Tensor, model: nn.Module, what: str) -> None:
    """Raise RuntimeError if a network gives NaN or infinity, and say whether its weights or its inputs are the cause.

    Parameters
    ----------
    outputs : (N, ...) tensor
        One row for each photo.
    model : nn.Module
    what : str
        What the outputs are, for the message.
    """
    wrong = (~outputs.isfinite()).flatten(1).any(dim=1).sum().item()
    if not wrong:
        return
    values = model.state_dict().items()
    broken = next((name for name, value in values if value.is_floating_point() and not value.isfinite().all()), None)
    reason = (
        f"{broken} in the network holds NaN or infinity, so its training failed; load the network again, and train it "
        "with a lower learning rate"
        if broken
        else "the weights are finite, so look at the images: their values must be finite and of the size of 1"
    )
    raise RuntimeError(f"the {what} of {wrong} of {len(outputs)} photos hold NaN or infinity: {reason}")
