"""The command lines that pages show, and what runs each: a test, or nothing, for a reason that stands here."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

__all__ = ["NOT_RUN", "OTHERS", "OURS", "PAGES", "ROOT", "RUN_BY", "lines_of", "words_of"]

ROOT = Path(__file__).parents[2]
#: What `tests/pages.py` runs, if it stands in a console block.
OURS = {"laminar", "laminar-codegen", "python"}
#: Programs of others.
OTHERS = {"aws", "docker", "git", "make", "pip", "pre-commit", "pytest", "terraform", "terragrunt", "tofu"}
#: README, the site, and what it includes. Decisions keep the commands of their day.
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "adr"),
    *sorted((ROOT / "terraform_modules").rglob("README.md")),
    ROOT / "template" / "common" / "README.md",
]
#: Tests that run command lines of pages besides `tests/pages.py`, each with those lines.
RUN_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "tests/e2e/test_commands_of_pages.py": {
        "README.md": ("terraform init", "terraform apply"),
        "docs/how-to/deploy.md": ("terraform init", "terraform apply"),
        "docs/how-to/destroy.md": (
            "laminar list nightly --status RUNNING",
            'laminar stop nightly 2026-01-31 --reason "the deployment goes"',
        ),
        "docs/how-to/environments.md": (
            "terraform init -backend-config=prod.tfbackend",
            "terraform apply -var-file=prod.tfvars",
        ),
        "docs/how-to/manage-deployments.md": (
            'terraform init -backend-config="key=report/dev.tfstate"',
            "terraform apply -var-file=dev.tfvars",
            "terraform workspace new dev",
            'terraform apply -var="name=report-$(terraform workspace show)"',
            "terraform state list",
            "terraform show -json",
        ),
        "docs/how-to/operate.md": (
            "laminar start nightly --param day=2026-01-31 --id 2026-01-31",
            "laminar status nightly",
            "laminar logs nightly last 'Train[3]'",
            "laminar logs nightly 2026-01-31",
            "laminar list nightly --status FAILED",
            'laminar stop nightly 2026-01-31 --reason "wrong day"',
            "laminar resume nightly 2026-01-31 --wait",
            "laminar wait --timeout 3600 nightly 2026-01-31",
            "laminar results --json nightly 2026-01-31 | jq '.results[\"Best.accuracy\"]'",
            'laminar stop nightly 2026-01-31 --reason "it took more than an hour"',
            'laminar logs nightly 2026-01-31 | mail -s "nightly failed" team@example.com',
        ),
        "docs/how-to/see-an-execution.md": (
            "laminar report flow.py",
            "laminar report flow.py nightly-2026-01-31 --output nightly.html",
            "laminar report nightly",
            "laminar report rehearsal:nightly",
            "laminar-codegen rehearse flow.py --report rehearsal.html",
        ),
        "docs/how-to/use-a-deployed-flow.md": ("terraform output -json",),
        "docs/how-to/use-existing-roles.md": ("terraform output -json policies",),
        "terraform_modules/flow/README.md": (
            "laminar-codegen flow.py --emit hcl --module ../../terraform_modules/flow --output deployments/report",
        ),
        "terraform_modules/platform/README.md": (
            "terraform -chdir=platform output -json flow_variables > flow/platform.auto.tfvars.json",
            "image=$(terraform -chdir=platform output -raw repository_url):1",
            "laminar-codegen flow.py > flow/main.tf.json",
            'terraform -chdir=flow init && terraform -chdir=flow apply -var="image=$image"',
        ),
        "template/common/README.md": (
            "laminar-codegen main.py --emit hcl --output terraform/flow",
            "terraform -chdir=terraform/platform init",
            "terraform -chdir=terraform/platform apply -var-file=../environments/dev.tfvars",
            (
                "terraform -chdir=terraform/platform output -json flow_variables"
                " > terraform/flow/platform.auto.tfvars.json"
            ),
            'image="$(terraform -chdir=terraform/platform output -raw repository_url):$(git rev-parse --short HEAD)"',
            "terraform -chdir=terraform/flow init",
            'terraform -chdir=terraform/flow apply -var="image=$image" -var=name=sample-flow-dev',
            'laminar start sample-flow-dev --id first --param \'names=["Ada", "Grace"]\'',
            "laminar wait sample-flow-dev first",
            "laminar results sample-flow-dev first",
        ),
    },
    "tests/e2e/test_tutorial.py": {
        # It runs all console blocks of its page but the lines of `NOT_RUN`, in the shell that this line starts.
        "docs/tutorial/deployed-flow.md": ("python -m tools.embedded_account ../guest-book",),
    },
    "tests/integration/codegen/test_new_repository.py": {
        "template/common/README.md": (
            "pytest",
            'laminar-codegen rehearse main.py --param \'names=["Ada", "Grace"]\'',
        ),
    },
    "tests/e2e/test_terraform_modules.py": {"terraform_modules/README.md": ("terraform init && terraform test",)},
}
#: The command lines that no test runs, and why. `docs/reference/observed.md` has the same list.
NOT_RUN = {
    "pip install 'laminar-terraform[local]'": "it needs the release on the package index",
    "pip install -r requirements-dev.txt": "it needs the release on the package index",
    "pip install -e '.[test]'": "it needs the package index, and is what the tests were installed by",
    "python -m venv .venv": "tests have their environment",
    ". .venv/bin/activate": "tests have their environment",
    "pre-commit install": "it changes the repository that tests are in",
    "make check": "it runs before the tests, and is what runs them in CI",
    "git diff tests/golden": "it shows changes to a reader",
    "git diff tests/unit/codegen/cases": "it shows changes to a reader",
    'docker build --tag "$image" . && docker push "$image"': "it needs a builder of images and a registry",
    'docker build --platform linux/amd64 --provenance=false --tag "$image" . && docker push "$image"': (
        "it needs a builder of images and a registry"
    ),
    'aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}"': (
        "it needs an account, and a registry"
    ),
    'docker build --platform linux/amd64 --provenance=false --tag "$repository:1" .': "it needs a builder of images",
    'docker build --platform linux/amd64 --provenance=false --tag "$repository:2" .': "it needs a builder of images",
    'docker push "$repository:1"': "it needs a registry",
    'docker push "$repository:2"': "it needs a registry",
    "laminar COMMAND TARGET [ID] [options]": "it is the form of all commands",
    "terraform state mv": "it needs an earlier state, of which a page cannot know the addresses",
}
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", flags=re.MULTILINE | re.DOTALL)


def words_of(line: str) -> list[str]:
    """Return the words of a command line, without comments and the variables that it begins with.

    Example:
        >>> words_of("TOKEN=x python sync.py  # once")
        ['python', 'sync.py']
    """
    return list(itertools.dropwhile(re.compile(r"\w+=").match, shlex.split(line, comments=True)))


def lines_of(text: str) -> list[tuple[str, str]]:
    r"""Return the command lines of a page, each with where it stands: ``console``, ``text`` or ``sentence``.

    A program of ours in a sentence is not among them: `tests/unit/test_command_lines.py` reads those.

    Example:
        >>> lines_of("```console\n$ terraform init\nInitialised.\n```\nThen `terraform apply -auto-approve`.")
        [('console', 'terraform init'), ('sentence', 'terraform apply -auto-approve')]
    """
    found = []
    for kind, block in _BLOCK.findall(text):
        if kind == "console":
            found += [("console", line) for line in re.findall(r"^ *\$ (.*)$", block, flags=re.MULTILINE)]
        elif kind in {"", "text", "bash", "sh", "shell"}:
            # A line of a shell's `case` is one, without its pattern and its end.
            lines = [re.sub(r"^ *(?:[\w*]\) )?(?:\$ )?| *;;$| +# .*$", "", line) for line in block.splitlines()]
            found += [("text", line) for line in lines if line.split(" ")[0] in OURS | OTHERS]
    sentences = re.findall(r"`([a-z-]+ [^`\n]+)`", _BLOCK.sub("", text).replace("\\|", "|"))
    # A single word after the program, as in `terraform plan`, is the name of what Terraform does.
    return found + [("sentence", line) for line in sentences if line.split(" ")[0] in OTHERS and line.count(" ") > 1]
