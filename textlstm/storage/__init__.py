"""Files and arrays: atomic writes, arrays larger than memory, resumable outputs, threads.

atomic
    ``atomic_write``, ``write_bytes``, ``write_all`` write files that are complete or absent;
    ``sha256`` hashes a file; ``name_in_errors`` adds its path to the system's errors.
damage
    ``damage_explained`` says that a file of a run is damaged, in one line.
json_files
    ``write_json``, ``read_json`` do so for JSON.
spreadsheet
    ``write_csv`` writes CSV whose cells no spreadsheet takes for formulas; ``escape_formula``,
    ``unescape_formula`` do so for a cell.
workbook_writer
    ``sheet_writer`` writes workbooks for spreadsheet programs.
folders
    ``locked`` keeps other processes out; ``make_private``, ``remove_folder`` make and remove
    working folders.
swap
    ``swap_folders``, ``write_folder`` replace finished files and folders, all or none.
arrays
    ``empty``, ``take``, ``flatnonzero``, ``vstack_on_disk`` memory-map large arrays;
    ``row_blocks`` divides their rows.
parallel
    ``map_ordered``, ``prefetch``, ``run_in_background``, ``thread_pool`` work in threads;
    ``usable_cpus`` counts processors.
output_tables
    ``write_table`` writes CSV, Parquet or a workbook.
resumable
    ``resumable_shards`` writes a table shard by shard, so that an interrupted command can resume.
"""
