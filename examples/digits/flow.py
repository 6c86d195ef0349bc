"""Handwritten digits: a parallel grid search, and a test of the best model.

Run it with ``python flow.py``, or on an embedded AWS with ``laminar-codegen rehearse flow.py``. Deploy it with
``laminar-codegen flow.py > main.tf.json`` and Terraform. The results are the same.

Each layer imports the packages that it needs. So the compiler does not need them, and a task loads only its own.
"""

from laminar_runtime import Flow, Layer, each
from laminar_runtime.configurations.layers import Container, ForEach, Parameter

#: The working directory of the image has this file.
container = Container(command="python flow.py", cpu=1, memory=2048)


class Digits(Flow):
    """A search for the best support vector machine to read handwritten digits."""


@Digits.register(container=container)
class Load(Layer):
    """Load the digits, and split them into three parts: to train, to search, and to test."""

    def __call__(self) -> None:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        images, labels = load_digits(return_X_y=True)
        rest, self.test_images, known, self.test_labels = train_test_split(
            images, labels, test_size=0.25, random_state=0, stratify=labels
        )
        self.train_images, self.search_images, self.train_labels, self.search_labels = train_test_split(
            rest, known, test_size=0.33, random_state=0, stratify=known
        )


@Digits.register(container=container)
class Grid(Layer):
    """List the hyperparameters to try."""

    def __call__(self) -> None:
        self.shard(penalty=[0.1, 1.0, 10.0, 100.0], gamma=[0.0001, 0.0005, 0.002, 0.01])


@Digits.register(
    container=container,
    foreach=ForEach(
        parameters=[Parameter(layer=Grid, attribute="penalty"), Parameter(layer=Grid, attribute="gamma")],
    ),
)
class Train(Layer):
    """Train and score one model for each combination."""

    def __call__(self, grid: Grid, load: Load) -> None:
        from sklearn.svm import SVC

        self.penalty, self.gamma = grid.penalty, grid.gamma
        model = SVC(C=self.penalty, gamma=self.gamma).fit(load.train_images, load.train_labels)
        self.score = float(model.score(load.search_images, load.search_labels))
        print(f"penalty {self.penalty:g}, gamma {self.gamma:g}: {self.score:.4f}")


@Digits.register(container=container)
class Best(Layer):
    """Choose the first combination with the highest score."""

    def __call__(self, train: Train) -> None:
        scores = list(each(train, lambda train: train.score))
        winner = scores.index(max(scores))
        self.penalty = each(train, lambda train: train.penalty)[winner]
        self.gamma = each(train, lambda train: train.gamma)[winner]
        self.score = scores[winner]


@Digits.register(container=container)
class Evaluate(Layer):
    """Train the best model again, and test it with digits that no model has seen."""

    def __call__(self, best: Best, load: Load) -> None:
        from sklearn.metrics import accuracy_score, confusion_matrix
        from sklearn.svm import SVC

        model = SVC(C=best.penalty, gamma=best.gamma).fit(load.train_images, load.train_labels)
        guesses = model.predict(load.test_images)
        self.accuracy = float(accuracy_score(load.test_labels, guesses))
        self.confusion = confusion_matrix(load.test_labels, guesses).tolist()
        self.plot = self.draw(load.test_labels, guesses)
        print(f"accuracy {self.accuracy:.4f} with penalty {best.penalty:g}, gamma {best.gamma:g}")

    @staticmethod
    def draw(labels: object, guesses: object) -> bytes:
        """Draw the confusion matrix as a PNG."""
        import io

        import matplotlib as mpl

        mpl.use("Agg")
        from sklearn.metrics import ConfusionMatrixDisplay

        figure = ConfusionMatrixDisplay.from_predictions(labels, guesses, colorbar=False).figure_
        figure.suptitle("Confusion matrix")
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=100)
        return png.getvalue()


if flow := Digits():
    evaluated = flow().layer(Evaluate)
    print(f"accuracy {evaluated.accuracy:.4f}")
