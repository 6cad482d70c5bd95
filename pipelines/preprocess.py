r"""Read a table, clean and tokenize its texts, and split it into training, validation, holdout.

Reads:  the table given by --data
Writes: RUN/config.json, RUN/records/{train,validation,holdout}.parquet (record_id, text, label,
        and the groups of each column given by --by),
        RUN/records/rare.parquet (the records of classes that --rare drops, and their split),
        RUN/records/summary.json (the numbers of records read, and left out by reason),
        RUN/records/book.json (the code book of --codes, if there is one),
        RUN/records/abbreviations.json (the abbreviations of --abbreviations, and their meanings)

The table is read a chunk at a time, and each distinct text is tokenized and kept once: the table
may be larger than memory.

For example:
    python -m pipelines.preprocess --data deaths.csv --text cause other_conditions \
        --label manner --run runs/manner
"""

from collections.abc import Sequence

from pipelines import console, progress, run_flags, shell
from pipelines.runs import Run
from pipelines.source import Source, digest
from textlstm.config import RunConfig

REMOVED = "the model and the report that were here are removed with the records"


def preprocess(run: Run, config: RunConfig, *, overwrite: bool = False) -> None:
    """Preprocess and split a table; ``overwrite`` replaces a finished run of other records."""
    data = config.data
    run.require_own_folder()
    run.require_not_replaced(data.data, "--data")
    if data.abbreviations:
        run.require_not_replaced(data.abbreviations, "--abbreviations")
    with progress.working("preprocess", progress.LOADING):
        from textlstm.data.coded_labels import CodedLabels
        from textlstm.data.preprocessing import prepare, read_labelled
        from textlstm.encoding.abbreviation_table import read_abbreviations
        from textlstm.storage.json_files import write_json

    source, table_digest = Source(data.data), digest(data.data)
    if not overwrite:
        run.require_unfinished_or_same(config, table_digest)
    was_trained, monitor = run.bundle.exists(), progress.StageMonitor("preprocess")
    with shell.timed() as seconds:
        meanings = read_abbreviations(data.abbreviations) if data.abbreviations else {}
        table = read_labelled(data, monitor)
        source.require_unchanged()
        coded = CodedLabels.of(table.records["label"], data.codes, data.crosswalk)
        table = table._replace(records=table.records.assign(label=coded.labels))
        for line in coded.lines:
            monitor.log(line)
        with monitor.working("dividing the records"):
            prepared = prepare(table, data, config.seed, monitor, coded.codes)
            with run.staged_outputs("preprocess") as new:
                new.configure(config)
                new.add_facts(table=table_digest)
                prepared.write(new.records)
                if coded.tree is not None:
                    write_json(new.records / "book.json", coded.tree.to_dict())
                write_json(new.records / "abbreviations.json", meanings)
            run.record_time("preprocess", seconds())
    if was_trained:
        monitor.log(REMOVED)
    for line in prepared.messages(console.shell_quoted):
        monitor.log(line)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and run the stage."""
    arguments = run_flags.run_parser("preprocess", __doc__).parse_args(argv)
    run, config = Run(arguments.run), run_flags.run_config(arguments)
    with run.locked():
        preprocess(run, config, overwrite=arguments.overwrite)


if __name__ == "__main__":
    shell.run_and_exit(main)
