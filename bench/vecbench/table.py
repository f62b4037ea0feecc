"""Tables of vectors, filled through binary COPY."""

import numpy as np
from psycopg import sql

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
STEP = 10_000                           # rows encoded at a time


def encode_vectors(ids, vectors):
    """Rows (id int, v vector) in COPY's binary format.

    A row has a fixed length, so that a block of them is one NumPy array: no
    Python code runs for each row.
    """
    dims = vectors.shape[1]
    row = np.zeros(len(vectors), dtype=[
        ("fields", ">i2"), ("id_length", ">i4"), ("id", ">i4"),
        ("v_length", ">i4"), ("dims", ">i2"), ("unused", ">i2"),
        ("x", ">f4", (dims,))])
    row["fields"], row["id_length"], row["id"] = 2, 4, ids
    row["v_length"], row["dims"], row["x"] = 4 + 4 * dims, dims, vectors
    return row.tobytes()


def encode_arrays(ids, arrays):
    """Rows (id int, neighbors int[]) in COPY's binary format."""
    length = arrays.shape[1]
    row = np.zeros(len(arrays), dtype=[
        ("fields", ">i2"), ("id_length", ">i4"), ("id", ">i4"),
        ("a_length", ">i4"), ("ndim", ">i4"), ("nulls", ">i4"),
        ("element", ">i4"), ("dim", ">i4"), ("lower", ">i4"),
        ("x", [("length", ">i4"), ("value", ">i4")], (length,))])
    row["fields"], row["id_length"], row["id"] = 2, 4, ids
    row["a_length"], row["ndim"], row["element"] = 20 + 8 * length, 1, 23
    row["dim"], row["lower"] = length, 1
    row["x"]["length"], row["x"]["value"] = 4, arrays
    return row.tobytes()


def copy_in(cursor, table, encode, rows, first_id=0, bar=None):
    """COPY an array into a table, numbering its rows from first_id."""
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(table)
    with cursor.copy(statement) as copy:
        copy.write(HEADER)
        for start in range(0, len(rows), STEP):
            block = rows[start:start + STEP]
            ids = np.arange(start, start + len(block)) + first_id
            copy.write(encode(ids, block))
            if bar is not None:
                bar.update(len(block))
        copy.write(TRAILER)


def identifier(name, suffix=""):
    """A table's name, perhaps with its schema, quoted where needed."""
    *schema, table = name.split(".")
    return sql.Identifier(*schema, table + suffix)


def load(connection, table, source, schema=None, progress=None):
    """Make TABLE(id, v), TABLE_queries(id, v) and TABLE_truth(id, neighbors)
    of what the source has, replacing tables of these names.

    schema is where the vector type lives, if not on the search_path;
    progress makes a progress bar (as tqdm does).
    """
    vector = sql.Identifier(*filter(None, [schema, "vector"])) \
        + sql.SQL("({})").format(sql.Literal(source.dimensions))
    parts = [("", "v", vector, encode_vectors, source.base),
             ("_queries", "v", vector, encode_vectors, source.queries),
             ("_truth", "neighbors", sql.SQL("int[]"), encode_arrays,
              source.truth)]
    for suffix, column, type_name, encode, rows in parts:
        name = identifier(table, suffix)
        # One transaction: a load that fails leaves the old table.
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
            if rows is None:
                continue
            cursor.execute(sql.SQL("CREATE TABLE {} (id int, {} {})").format(
                name, sql.Identifier(column), type_name))
            bar = progress(total=len(rows), desc=table + suffix, unit=" rows",
                           unit_scale=True) if progress else None
            copy_in(cursor, name, encode, rows, bar=bar)
            if bar is not None:
                bar.close()
            # Made after the rows, which is faster and packs it densely.
            cursor.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)")
                           .format(name))
    # VACUUM cannot run inside a transaction block.
    before, connection.autocommit = connection.autocommit, True
    for suffix, _, _, _, rows in parts:
        if rows is not None:
            connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(
                identifier(table, suffix)))
    connection.autocommit = before
