"""The seven stages as data. What reaches production is what was tested, judged and approved."""

from dataclasses import dataclass

from delivery.naming import BUILD, DEPLOY, PREVIEW, TEST, VERIFY

# The pipeline's own variable: a digest skips the build and goes back to an image that exists.
NO_DIGEST = "none"


@dataclass(frozen=True, kw_only=True)
class BuildStage:
    """One stage that runs a build. `inputs` are artifacts, the first one is the build's own."""

    name: str
    project: str
    inputs: tuple[str, ...]
    output: str | None = None
    variables: tuple[tuple[str, str], ...] = ()


SOURCE = "src"
COMMIT = ("COMMIT", "#{Source.CommitId}")
DIGEST = ("IMAGE_DIGEST", "#{Build.IMAGE_DIGEST}")
COMMITTED_AT = ("COMMITTED_AT", "#{Source.AuthorDate}")

BEFORE_APPROVAL: tuple[BuildStage, ...] = (
    BuildStage(name="Test", project=TEST, inputs=(SOURCE,), variables=(COMMIT,)),
    BuildStage(
        name="Build",
        project=BUILD,
        inputs=(SOURCE,),
        output="image",
        variables=(COMMIT, ("REQUESTED_DIGEST", "#{variables.IMAGE_DIGEST}")),
    ),
    BuildStage(
        name="Preview",
        project=PREVIEW,
        inputs=(SOURCE, "image"),
        output="preview",
        variables=(COMMIT, DIGEST),
    ),
)
AFTER_APPROVAL: tuple[BuildStage, ...] = (
    BuildStage(
        name="Deploy",
        project=DEPLOY,
        inputs=(SOURCE, "image", "preview"),
        output="deploy",
        variables=(COMMIT, DIGEST, COMMITTED_AT, ("STEPS_HASH", "#{Preview.STEPS_HASH}")),
    ),
    BuildStage(
        name="Verify",
        project=VERIFY,
        inputs=(SOURCE, "deploy"),
        variables=(
            COMMIT,
            DIGEST,
            COMMITTED_AT,
            ("PREVIOUS_DIGEST", "#{Deploy.PREVIOUS_DIGEST}"),
        ),
    ),
)
