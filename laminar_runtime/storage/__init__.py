"""The content of a datastore, and its keys, which `laminar_runtime.storage.layout` makes.

::

    <Flow>/artifacts/<sha256>.<ext>                              a value, by the hash of its bytes
    <Flow>/archives/<execution>/<Layer>/<index>/<attempt>/<attribute>.json
                                                                 an `Archive`
    <Flow>/.cache/<execution>/<Layer>/<attribute>.json           the `Archive` of all splits, joined
    <Flow>/.cache/<execution>/<Layer>/.some/<attribute>.json     the same, of the splits that assigned the attribute
    <Flow>/.cache/<execution>/<Layer>/.record.json               a `Record`: the layer finished. Of a layer that is no
                                                                 fan-out it is the `Commit` too
    <Flow>/.cache/<execution>/<Layer>/.splits/<index>.json       the `Commit` of a split of a fan-out: it finished
    <Flow>/.cache/<execution>/<Layer>/.attempts/<drive>/<index>/ notes on the runs of a split: see
                                                                 `laminar_runtime.tasks.attempts`
    <Flow>/.cache/<execution>/<Layer>/.plan/<name>.txt           what the planner of the layer keeps, such as indexes
    <Flow>/.cache/<execution>/.input.json                        the input that a state machine was started with
    <Flow>/.cache/<execution>/.joins/<Waiting>/from/<Ended>      a mark: a layer ended that another one waits for
    <Flow>/.cache/<execution>/.joins/<Waiting>/token.json        the task token by which what waits is woken
    <Flow>/.locks/<execution>                                    held by who runs the execution, on this machine

Each run of a task, an attempt, writes archives into a folder of its own, named by a token that no other has. When it
ends, it writes the commit of its split, which names the token; but the first commit of a split stays, whoever comes
later. Only the archives of the committed attempt are read, so that what failed, or was believed dead and goes on, or
runs twice, changes nothing that anybody reads. docs/adr/0016-one-commit-for-each-split.md tells more.

Earlier releases wrote archives without the folder of an attempt, and marks without a token for commits; they are read.
"""
