"""Running a program: a state machine, a branch of a Parallel, an iteration of a Map.

moto starts a thread for every program, whether it has a timeout or not, and always begins at the
first state. Here a program runs in the thread that asks for it unless it has a timeout; it notes its
progress, and goes on from what was noted if its execution is redriven.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import threading
from typing import Any

from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branch_worker import BranchWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import BranchesDecl
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded

from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.progress import attach, progress_of

_evaluate_state: Any = CommonStateField._eval_body
_run_branches: Any = BranchesDecl._eval_body
_make_branch: Any = BranchWorker.__init__


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's."""
    patches.attribute(Program, "eval", _run)
    patches.attribute(CommonStateField, "_eval_body", _enter)
    patches.attribute(BranchesDecl, "_eval_body", _begin_branches)
    patches.attribute(BranchWorker, "__init__", _number_branch)


def _run(self: Program, env: Environment) -> None:
    """Moto fails with an internal error when the execution was stopped just before."""
    if env.program_state() is not None and not env.is_running():
        return
    progress = progress_of(env)
    env.next_state_name = progress.state or self.start_at.start_at_name
    if progress.ended:
        env.states.reset(input_value=progress.output)
        env.set_ended()
        return
    if progress.state is not None:
        variables: Any = env.variable_store
        variables._inner_scope.update(progress.variables)
        env.states.reset(input_value=progress.given)
    if self.timeout_seconds is None:
        EvalComponent.eval(self, env)
    else:
        thread = threading.Thread(target=EvalComponent.eval, args=(self, env), daemon=True)
        thread.start()
        thread.join(self.timeout_seconds.timeout_seconds)
        if thread.is_alive():
            env.set_timed_out()
    if isinstance(env.program_state(), ProgramEnded):
        progress.end(env.states.get_input())


def _enter(self: CommonStateField, env: Environment) -> None:
    variables: Any = env.variable_store
    progress_of(env).enter(self.name, env.states.get_input(), variables._inner_scope)
    _evaluate_state(self, env)


def _begin_branches(self: BranchesDecl, env: Environment) -> None:
    progress_of(env).begin_attempt()
    _run_branches(self, env)


def _number_branch(self: BranchWorker, branch_worker_comm: object, program: Program, env: Environment) -> None:
    attach(env, progress_of(env).next_part())
    _make_branch(self, branch_worker_comm, program, env)
