"""Exercise 07.3: count the tensors that a forward pass changes with one frozen batch norm."""

from tlhelpers.classroom.exercises import Exercise

BLOCKS = (3, 4, 6, 3)  # of ResNet-50: each block has three batch norms, the first of a stage has a fourth


BATCH_NORMS = 1 + 3 * sum(BLOCKS) + len(BLOCKS)


BUFFERS = 3  # running mean, running variance, and the number of batches


EXERCISE = Exercise(
    reference=lambda: BUFFERS * (BATCH_NORMS - 1),
    mistakes={
        "That is as many as before: which batch norm is in eval mode now, and what do its buffers do then?": (
            lambda: BUFFERS * BATCH_NORMS
        ),
        "A batch norm keeps more than one buffer; the first try at freezing named them.": (
            lambda: BUFFERS * BATCH_NORMS - 1
        ),
        "Mean and variance are two of the buffers of a batch norm; there is one more, which counts.": (
            lambda: BUFFERS * BATCH_NORMS - 2
        ),
        "The frozen stem has six tensors, but not all of them are buffers; weights do not move without a step.": (
            lambda: BUFFERS * BATCH_NORMS - 6
        ),
        "Weight and bias of a batch norm were not among the tensors that changed: a pass moves buffers only.": (
            lambda: BUFFERS * BATCH_NORMS - BUFFERS - 2
        ),
        "Those are the tensors that no longer change; count those that do.": lambda: BUFFERS,
        "Only one batch norm is frozen: the others still follow every batch.": lambda: 0,
        "That is a number of batch norms; each has several tensors that change.": lambda: BATCH_NORMS - 1,
        "That is the number of all batch norms; each has several tensors, and one of them is frozen.": (
            lambda: BATCH_NORMS
        ),
        "Two for each batch norm that trains: is there no third that a pass changes?": lambda: 2 * (BATCH_NORMS - 1),
    },
)
