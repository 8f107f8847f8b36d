"""Every code that a finding or an error may carry, with its meaning and its remedy.

A code is never reused. `docs/reference/codes.md` is made from this table.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """What a code means and what to do about it."""

    meaning: str
    remedy: str


CODES: dict[str, Code] = {
    # --- OML: the text of a pipeline ---
    "OML001": Code("The file is not valid YAML.", "Correct the syntax at the position shown."),
    "OML002": Code("A key stands twice in one mapping.", "Keep one of the two."),
    "OML003": Code(
        "Anchors, aliases and merge keys are not part of OML.", "Write the value out where it is needed."
    ),
    "OML004": Code("YAML tags are not part of OML.", "Remove the tag; quote the value if it is text."),
    "OML005": Code("The file is larger or deeper than a pipeline may be.", "Split the pipeline."),
    "OML006": Code("The file holds more than one YAML document.", "Keep one document per file."),
    "OML007": Code("The file is not UTF-8 text.", "Save it as UTF-8."),
    "OML008": Code("A number is too long or not finite.", "Quote it if it is meant as text."),
    "OML010": Code("A required key is missing.", "Add it."),
    "OML011": Code("The key is not known here.", "Use one of the candidates or remove the key."),
    "OML012": Code("A value has the wrong type or form.", "Give a value of the form that the message names."),
    "OML013": Code("The OML version is not supported.", 'Use oml_version: "0.1.0".'),
    "OML020": Code("Two steps have the same id.", "Give each step an id of its own."),
    "OML021": Code("A reference names a step that does not exist.", "Use one of the candidates."),
    "OML022": Code(
        "A reference names an output that the step's component does not declare.", "Use a declared output."
    ),
    "OML023": Code("The steps form a cycle.", "Remove one of the edges shown."),
    "OML024": Code("An input that the component needs is missing.", 'Add inputs, such as df: "${step.df}".'),
    "OML025": Code("An input is given that the component does not take.", "Remove it or rename it."),
    "OML026": Code("An edge is not written as ${step.output}.", 'Write it like "${extract_users.df}".'),
    "OML027": Code("A parameter is used that is not declared.", "Declare it under params."),
    "OML028": Code(
        "A parameter's value or default does not fit its declaration.", "Give a value of the declared type."
    ),
    "OML029": Code(
        "A parameter stands inside a longer text where it cannot be put safely.", "Use bind for SQL values."
    ),
    "OML030": Code(
        "Two steps write the same target.", "Give each its own target or run them in two pipelines."
    ),
    "OML031": Code("An output is read by no step.", "Add a step that reads it or remove this one."),
    "OML032": Code("Nothing in the pipeline writes anything.", "Add a writer step."),
    "OML033": Code("A parameter has no value.", "Give it with --param, or declare a default."),
    "OML034": Code("A parameter is declared and used nowhere.", "Use it or remove it."),
    # --- CMP: components and their configuration ---
    "CMP001": Code(
        "The component does not exist.", "Use one of the candidates; `osiris components list` shows all."
    ),
    "CMP002": Code("The component does not have this mode.", "Use one of its modes or leave the mode out."),
    "CMP003": Code(
        "A config key is not known to the component.", "Use one of the candidates or remove the key."
    ),
    "CMP004": Code("A required config key is missing.", "Add it."),
    "CMP005": Code(
        "A config value does not fit the component's schema.", "Give a value of the form that is named."
    ),
    "CMP006": Code(
        "The component's driver cannot be loaded.", "Install the extra that is named, or mend the driver."
    ),
    "CMP007": Code("The component cannot run: it has no driver.", "Choose a runnable component."),
    "CMP008": Code(
        "The last run inferred a schema that the pipeline does not declare.",
        "Pin it, so that other data cannot change the types.",
    ),
    "CMP010": Code(
        "A component's spec.yaml is not valid.", "Mend the spec; `osiris components validate` shows all."
    ),
    "CMP011": Code("Two places declare the same component.", "Rename or remove one of them."),
    "CMP012": Code(
        "A secret of the spec points at no field.", "Point it at a field of the config or connection."
    ),
    "CMP013": Code("An alias is used twice or hides a real key.", "Choose another alias."),
    "CMP014": Code("An example does not fit the component's own schema.", "Mend the example or the schema."),
    "CMP015": Code(
        "The driver does not fulfil the driver protocol.", "Give it run(*, step_id, config, inputs, ctx)."
    ),
    "CMP016": Code("The driver's typed config and the spec's configSchema differ.", "Make them equal."),
    "CMP017": Code("An example does not compile.", "Mend the example."),
    "CMP018": Code("The component's family has no connection declaration.", "Add <family>/connection.yaml."),
    # --- CON: connections and secrets ---
    "CON001": Code(
        "The connections file cannot be read.", "Mend osiris_connections.yaml at the position shown."
    ),
    "CON002": Code(
        "The connection does not exist.", "Use one of the candidates; `osiris connections list` shows all."
    ),
    "CON003": Code(
        "A connection has a missing, unknown or wrong field.", "Mend the field in osiris_connections.yaml."
    ),
    "CON004": Code("A secret's value is not set.", "Set the environment variable or put it into .env."),
    "CON005": Code("A secret stands in clear text.", "Put it into .env and write ${NAME} instead."),
    "CON006": Code(
        "A step may not override this connection field.", "Remove it from the step or add a connection."
    ),
    "CON007": Code(
        "A reference to a connection is not written as @family.alias.", 'Write it like "@duckdb.warehouse".'
    ),
    "CON008": Code(
        "The connection belongs to another family.", "Use a connection of the component's family."
    ),
    "CON009": Code("The step names no connection.", "Add connection to its config."),
    "CON010": Code(
        "The family cannot say what a connection holds.", "Ask a connection of a family that can."
    ),
    "CON011": Code("The connection holds nothing of this name.", "Leave --name out to see what there is."),
    "CON020": Code("The file or folder of the connection does not exist.", "Create it or correct the path."),
    "CON021": Code(
        "The file of the connection cannot be opened: permission denied.", "Grant access or use another path."
    ),
    "CON022": Code(
        "The file is held by another process.", "Wait for it to end, then run the same command again."
    ),
    "CON023": Code(
        "The file is not of the kind that the connection needs.", "Point the connection at the right file."
    ),
    "CON024": Code("A file is damaged or cut off.", "Restore it from a copy."),
    # --- SET: osiris.yaml ---
    "SET001": Code(
        "A setting in osiris.yaml is not known or has a wrong value.",
        "Mend it, or remove it for the default.",
    ),
    # --- MAN: manifests ---
    "MAN001": Code("The file is not a manifest.", "Run `osiris compile` to make one."),
    "MAN002": Code("The manifest was changed after it was compiled.", "Compile the pipeline again."),
    "MAN003": Code(
        "A component or engine differs from what the manifest pins.", "Compile the pipeline again."
    ),
    "MAN004": Code(
        "The compiled manifest differs from the stored one.", "Run `osiris compile` and commit the result."
    ),
    # --- RUN: carrying out ---
    "RUN001": Code(
        "A step failed with an error that its driver does not name.", "Read the step's log; report a bug."
    ),
    "RUN002": Code("A step took longer than its timeout.", "Raise timeout_seconds or make the step faster."),
    "RUN003": Code("A step was stopped because another one failed.", "Mend the step that failed."),
    "RUN004": Code(
        "The run was interrupted.", "Run the same command again; it resumes under the same run key."
    ),
    "RUN005": Code(
        "A driver did not return the outputs that its spec declares.", "Mend the driver or the spec."
    ),
    "RUN006": Code("The pipeline is already running.", "Wait for it, or use --new or another --run-key."),
    "RUN007": Code(
        "Rows delivered, received and applied do not agree.", "Report a bug; nothing was committed."
    ),
    "RUN008": Code("No run of this id or name is known.", "`osiris runs list` shows all."),
    "RUN009": Code(
        "The run key was used for another version of the pipeline.", "Use --new or another --run-key."
    ),
    "RUN010": Code(
        "A run that did not end well has appended, and this one would append again.",
        "Use --new to append again, or --run-key to complete that run.",
    ),
    "RUN011": Code(
        "The process that carried out an isolated run died.",
        "Run the same command again; what is committed is not written twice.",
    ),
    "RUN012": Code(
        "What an isolated run reported is damaged or has a gap.", "Run the same command again; report a bug."
    ),
    "RUN013": Code(
        "An artifact of a run that ended well did not arrive as it was.",
        "Run again with --new if you need it.",
    ),
    # --- DAT: data ---
    "DAT001": Code(
        "A line has more or fewer fields than the header.", "Quote the field, or correct the line."
    ),
    "DAT002": Code("A quoted field does not end as it should.", "Correct the quotes, or set quote."),
    "DAT003": Code(
        "A file holds bytes that are not UTF-8 text.", "Convert it to UTF-8, for example with iconv."
    ),
    "DAT004": Code(
        "A line is longer than max_line_bytes.", "Raise max_line_bytes, or close the quote that is open."
    ),
    "DAT005": Code("A file is not CSV of the declared form.", "Check line ends, delimiter and quote."),
    "DAT006": Code("A file's columns have no usable names.", "Give each column one name that no other has."),
    "DAT007": Code("The files of one step differ in their columns.", "Read them in steps of their own."),
    "DAT008": Code(
        "The config names a column that the file does not have.", "Use one of the file's columns."
    ),
    "DAT009": Code("A compressed file cannot be unpacked.", "Fetch it again, or correct compression."),
    "DAT010": Code("A declared type is not known.", "Use one of the types that the message names."),
    "DAT011": Code(
        "A value does not fit its declared type exactly.", "Mend it, or declare the column as VARCHAR."
    ),
    "DAT012": Code(
        "A value does not fit the type that was inferred.", "Pin the column as VARCHAR in schema."
    ),
    "DAT013": Code("A file cannot hold a column's type exactly.", "Cast the column in the SQL before."),
    "DAT014": Code("A column's name cannot be written to a file.", "Rename it with AS in the SQL before."),
    "DAT015": Code("A file is not a readable Parquet file.", "Fetch or write it again."),
    "DAT016": Code(
        "Reading a column would change its values.", "Rewrite the file with the type that is named."
    ),
    "DAT017": Code("An input holds values that its type does not allow.", "Mend the step before."),
    "DAT030": Code("A line is not one JSON object.", "Correct the line; each line is one object."),
    "DAT031": Code("An object names a key twice.", "Keep one of the two."),
    "DAT032": Code(
        "A row has a key that no row of the sample has.",
        "Pin its type in schema, or name the columns to keep.",
    ),
    "DAT033": Code("A number that is not finite cannot be written as JSON.", "Replace it in the SQL before."),
    "DAT034": Code(
        "A text that is to be written as a JSON value is not JSON.", "Mend it, or write it as text."
    ),
    # --- SQL: SQL of a pipeline ---
    "SQL001": Code("The SQL has a syntax error.", "Correct it at the position shown."),
    "SQL002": Code(
        "The SQL is not exactly one SELECT statement.", "Write one SELECT; other statements are refused."
    ),
    "SQL003": Code("The SQL names a table that does not exist.", "Use one of the candidates."),
    "SQL004": Code("The SQL names a column that does not exist.", "Use one of the columns shown."),
    "SQL005": Code("The :names in the SQL and the keys of bind do not agree.", "Make them equal."),
    "SQL006": Code(
        "The SQL does not fit the tables it reads.", "Correct the types or the number of arguments."
    ),
    "SQL007": Code(
        "The SQL reaches for a file or a setting that it may not use.", "Declare the file in read_files."
    ),
    "SQL008": Code("A value cannot be computed or converted.", "Filter such values out, or use TRY_CAST."),
    "SQL009": Code("The type of a result column cannot be carried exactly.", "Cast the column in the SQL."),
    "SQL010": Code(
        "The type of an input column cannot be taken exactly.", "Cast the column in the step before."
    ),
    "SQL011": Code("Two result columns have the same name.", "Give one of them another name with AS."),
    "SQL012": Code("The SQL engine failed.", "Report it with the run's folder."),
    "SQL013": Code("An input is not used by the SQL.", "Use it or remove it from inputs."),
    "SQL014": Code("A name or a text holds a NUL character.", "Remove it."),
    "SQL015": Code("An input has no columns, or one without a name.", "Name its columns in the step before."),
    "SQL016": Code(
        "An input's name cannot be a table's: it equals another or starts with _osiris_.", "Rename the input."
    ),
    # --- FIL: files ---
    "FIL001": Code(
        "A path is not relative to its folder.", "Write it relative to base_dir, without .. or ~."
    ),
    "FIL002": Code("A path leads out of base_dir through a link.", "Use a file below base_dir."),
    "FIL003": Code("No file matches the path.", "Check the path; it is relative to base_dir."),
    "FIL004": Code("The path is not a regular file.", "Name a data file, not a folder, pipe or device."),
    "FIL005": Code("A pattern matches too many files.", "Make the pattern narrower."),
    "FIL006": Code("A file cannot be created where it should be.", "Choose another path, or grant access."),
    "FIL007": Code("Two steps of one run write the same file.", "Give each step a file of its own."),
    "FIL008": Code(
        "A file differs from what its sidecar promises.", "Publish it again, or remove the sidecar."
    ),
    "FIL010": Code(
        "The path is a part of the project itself.", "Read data files, and write into a folder of its own."
    ),
    "FIL011": Code(
        "A delimiter, a quote or a null value cannot tell fields apart.",
        "Use characters that are no line breaks and differ from each other.",
    ),
    "FIL009": Code("No rows would replace a file that has rows.", "Set allow_empty: true if that is meant."),
    # --- TGT: targets ---
    "TGT001": Code("The target table does not exist.", "Create it, or set create: if_missing."),
    "TGT002": Code(
        "An input column does not exist in the target.", "Drop it in the SQL before, or add the column."
    ),
    "TGT003": Code(
        "A column that the target needs is missing in the input.", "Add the column in the SQL before."
    ),
    "TGT004": Code(
        "A column's type would lose information in the target.", "Cast the column in the SQL before."
    ),
    "TGT005": Code("Two input columns differ in letter case at most.", "Rename one of them."),
    "TGT006": Code("The target's name is reserved.", "Choose a name that does not start with _osiris_."),
    "TGT007": Code("A key column holds NULL.", "Filter such rows out, or choose another primary_key."),
    "TGT008": Code("Several input rows have the same key.", "Keep one row per key in the SQL before."),
    "TGT009": Code(
        "The key is not unique in the target.", "Remove the duplicates, or choose another primary_key."
    ),
    "TGT010": Code("No rows would replace a table that has rows.", "Set allow_empty: true if that is meant."),
    "TGT011": Code("A row breaks a constraint of the target.", "Mend the rows; nothing was written."),
    "TGT012": Code("The target cannot hold a column's type exactly.", "Cast the column in the SQL before."),
    "TGT013": Code("A primary_key column is missing in the input.", "Add the column, or choose another key."),
    "TGT014": Code("The target is not a table.", "Choose a table."),
    "TGT015": Code("Another transaction changed the target at the same time.", "Run the same command again."),
    "TGT016": Code(
        "COMMIT was sent and its outcome is not known.", "Run the same command again; the ledger decides."
    ),
    "TGT017": Code(
        "Replacing a table's rows would delete or change rows of other tables.",
        "Use write_mode: merge, or take ON DELETE from the foreign keys.",
    ),
    # --- RES: resources ---
    "RES001": Code("The disk is full.", "Free some space; nothing was published."),
    "RES002": Code("The step needs more memory than it may use.", "Raise memory_limit or reduce the data."),
    "RES003": Code(
        "The operating system refused to read or write a file.", "Check the path and its permissions."
    ),
    # --- USE: usage ---
    "USE001": Code("The command line does not make sense as given.", "See --help."),
    "USE002": Code("The folder is not empty.", "Choose another folder."),
    "USE003": Code("The file does not exist.", "Check the path."),
    "USE004": Code(
        "Parameters are fixed in a manifest.", "Run the pipeline file, or compile it with --param."
    ),
    "USE005": Code("The file was changed while it was being mended.", "Run the command again."),
    "USE006": Code("The file is a manifest where a pipeline is wanted.", "Give the pipeline file."),
    # --- INT: bugs ---
    "INT001": Code("Osiris failed in a way that it does not know.", "Report it with the run's folder."),
}
