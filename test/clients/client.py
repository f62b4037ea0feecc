"""PyPI's psycopg and pgvector against vecfeat.  Prints TAP; connects as PG* say."""

import sys
import traceback

import numpy as np
import psycopg
from pgvector import Vector
from pgvector.psycopg import register_vector

cases = []


def test(body):
    """The function's docstring is the name of the case."""
    cases.append(body)
    return body


def sample(n, seed=1):
    """n float4 numbers of many sizes"""
    i = np.arange(n)
    return (np.sin((i + 1) * seed) * 10.0 ** (i * 7 % 60 - 30)).astype(np.float32)


def value(connection, query, *parameters, binary=False):
    return connection.execute(query, parameters, binary=binary).fetchone()[0]


@test
def registers(connection):
    """the type is found by name"""
    register_vector(connection)


@test
def text(connection):
    """numpy arrays go there and back in text"""
    for n in 1, 2, 16, 100, 1536, 16000:
        got = value(connection, "SELECT %t::vector", sample(n))
        assert isinstance(got, Vector)
        np.testing.assert_array_equal(got.to_numpy(), sample(n))


@test
def binary(connection):
    """numpy arrays go there and back in binary"""
    for n in 1, 2, 16, 100, 1536, 16000:
        got = value(connection, "SELECT %b::vector", sample(n), binary=True)
        np.testing.assert_array_equal(got.to_numpy().view(np.uint32), sample(n).view(np.uint32))


@test
def mixed(connection):
    """what went in binary comes out in text, and the reverse"""
    sent = sample(300, 3)
    for parameter, result in ("%b", False), ("%t", True):
        got = value(connection, f"SELECT {parameter}::vector", sent, binary=result)
        np.testing.assert_array_equal(got.to_numpy(), sent)


@test
def lists(connection):
    """Vector objects, negative zero and NULL"""
    assert value(connection, "SELECT %s::vector", Vector([1.5, -2, 0])).to_list() == [1.5, -2, 0]
    zero = value(connection, "SELECT %b::vector", Vector([-0.0]), binary=True).to_numpy()
    assert np.signbit(zero[0])
    assert value(connection, "SELECT NULL::vector") is None


@test
def arrays(connection):
    """Python lists are arrays, which cast to vector; vectors cast to real[]"""
    assert value(connection, "SELECT %s::float8[]::vector", [1.0, 2.5]).to_list() == [1, 2.5]
    assert value(connection, "SELECT '[1,2.5]'::vector::real[]", binary=True) == [1, 2.5]


@test
def nearest(connection):
    """nearest neighbours as numpy ranks them"""
    rows = np.stack([sample(8, seed) / 1e20 for seed in range(1, 201)])
    connection.execute("CREATE TEMPORARY TABLE items (id int, embedding vector(8))")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO items VALUES (%s, %s)", list(enumerate(rows)))
    query = rows[17] + np.float32(0.5)
    exact, q = rows.astype(float), query.astype(float)
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(q)
    for operator, distances in (
        ("<->", np.linalg.norm(exact - q, axis=1)),
        ("<#>", -exact @ q),
        ("<=>", 1 - exact @ q / norms),
        ("<+>", np.abs(exact - q).sum(axis=1)),
    ):
        found = connection.execute(
            f"SELECT embedding {operator} %b FROM items ORDER BY embedding {operator} %b LIMIT 10", (query, query)
        ).fetchall()
        np.testing.assert_allclose([row[0] for row in found], np.sort(distances)[:10], rtol=1e-9, atol=1e-12)


@test
def copy(connection):
    """binary COPY in and out"""
    rows = [sample(64, seed) for seed in range(1, 501)]
    connection.execute("CREATE TEMPORARY TABLE bulk (id int, embedding vector(64))")
    with connection.cursor() as cursor:
        with cursor.copy("COPY bulk FROM STDIN WITH (FORMAT BINARY)") as stream:
            stream.set_types(["int4", "vector"])
            for i, row in enumerate(rows):
                stream.write_row((i, row))
        with cursor.copy("COPY (SELECT id, embedding FROM bulk ORDER BY id) TO STDOUT WITH (FORMAT BINARY)") as stream:
            stream.set_types(["int4", "vector"])
            got = list(stream.rows())
    assert [row[0] for row in got] == list(range(500))
    np.testing.assert_array_equal(np.stack([row[1].to_numpy() for row in got]), np.stack(rows))


@test
def refuses(connection):
    """NaN, infinity and other dimensions are refused, in text and in binary"""
    for bad in np.array([1, np.nan], np.float32), np.array([np.inf, 1], np.float32), np.ones(3, np.float32):
        for parameter in "%t", "%b":
            try:
                connection.execute(f"SELECT {parameter}::vector(2)", (bad,))
            except psycopg.errors.DataException:
                continue
            raise AssertionError(f"{parameter} {bad} was taken")


@test
def aggregates(connection):
    """avg and sum agree with numpy"""
    rows = np.stack([sample(64, seed) for seed in range(1, 501)]).astype(float)
    for name, expected in ("avg", rows.mean(axis=0)), ("sum", rows.sum(axis=0)):
        got = value(connection, f"SELECT {name}(embedding) FROM bulk", binary=True)
        scale = np.abs(rows).max(axis=0)
        np.testing.assert_allclose(got.to_numpy() / scale, expected / scale, rtol=1e-6, atol=1e-12)


def main():
    passed = True
    with psycopg.connect(autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute("CREATE EXTENSION IF NOT EXISTS vecfeat")
        print(f"TAP version 13\n1..{len(cases)}")
        for number, body in enumerate(cases, 1):
            try:
                body(connection)
                print(f"ok {number} - python: {body.__doc__}")
            except Exception:
                passed = False
                print(f"not ok {number} - python: {body.__doc__}")
                print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
    return passed


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 1)
    except psycopg.Error as error:
        print(f"not ok 1 - python: connects\n# {error}")
        sys.exit(1)
