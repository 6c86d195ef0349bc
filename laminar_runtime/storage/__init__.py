"""The content of a datastore, and its keys, which `laminar_runtime.storage.layout` spells.

::

    <Flow>/artifacts/<sha256>.<ext>                              a value, by the hash of its bytes
    <Flow>/archives/<execution>/<Layer>/<index>/<attempt>/<attribute>.json
                                                                 an `Archive`
    <Flow>/.cache/<execution>/<Layer>/<attribute>.json           the `Archive` of all splits, joined
    <Flow>/.cache/<execution>/<Layer>/.some/<attribute>.json     the same, of the splits that assigned the attribute
    <Flow>/.cache/<execution>/<Layer>/.record.json               a `Record`: the layer finished. Unless it is a fan-out,
                                                                 it is the `Commit` too
    <Flow>/.cache/<execution>/<Layer>/.splits/<index>.json       the `Commit` of a split of a fan-out: it finished
    <Flow>/.cache/<execution>/<Layer>/.attempts/<drive>/<index>/ notes on the runs of a split, see
                                                                 `laminar_runtime.tasks.attempts`
    <Flow>/.cache/<execution>/<Layer>/.entry/<drive>.json        whether a layer runs that may be skipped and shares a
                                                                 job, see `laminar_runtime.tasks.entry_notes`
    <Flow>/.cache/<execution>/<Layer>/.claims/<drive>/<name>/<job>/
                                                                 claims of splits, see `laminar_runtime.splits.claims`
    <Flow>/.cache/<execution>/<Layer>/.begun/<drive>/<index>     a note that a split began, if its fan-out tolerates
                                                                 failures: a split that never ran did not fail
    <Flow>/.cache/<execution>/<Layer>/.plan/<name>.txt           notes of the layer's planner, such as indexes
    <Flow>/.cache/<execution>/.input.json                        the input that a state machine was started with
    <Flow>/.cache/<execution>/.run.json                          a `laminar_runtime.storage.runs.Run`, on this machine
    <Flow>/.cache/<execution>/.failures/<Layer>/<index>.<attempt>.json
                                                                 a `laminar_runtime.failures.record.Failure`
    <Flow>/.cache/<execution>/.answers/<job>.json                the answer of a planner that is a job of AWS Batch
    <Flow>/.cache/<execution>/.times.json                        the times of attempts on a machine, see
                                                                 `laminar_runtime.storage.attempt_times`
    <Flow>/.cache/<execution>/.graph.json                        the layers of the flow, see `storage.graphs`
    <Flow>/.cache/<execution>/.joins/<Waiting>/from/<Ended>      a mark: a layer ended that another layer waits for
    <Flow>/.cache/<execution>/.joins/<Waiting>/token.json        the task token that wakes the layer that waits
    <Flow>/.output/<execution>/<Layer>/<index>/<attempt>.txt     what a task printed, on this machine
    <Flow>/.turns/                                               notes on executions that take turns
    <Flow>/.locks/<execution>                                    the lock of whoever runs the execution on this machine

Each run of a task, an attempt, writes archives into a folder of its own, whose name is a unique token. At its end, it
writes the commit of its split, which names the token. The first commit of a split stays. Readers read the archives of
the committed attempt only. So an attempt that failed, that runs twice, or that goes on although it was taken for dead,
changes nothing that anybody reads: see docs/adr/0016-one-commit-for-each-split.md.

Earlier releases wrote archives without the folder of an attempt, and commits without a token. They can be read.
"""
