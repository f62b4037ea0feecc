// npm's pg and pgvector against vecfeat.  Prints TAP; connects as PG* say.
'use strict';

const assert = require('node:assert');
const pg = require('pg');
const pgvector = require('pgvector/pg');

const cases = [];
const test = (name, body) => cases.push({ name, body });

// the binary form: int16 dimensions, int16 zero, float4 elements
function toBinary(numbers) {
  const buffer = Buffer.alloc(4 + 4 * numbers.length);
  buffer.writeInt16BE(numbers.length, 0);
  numbers.forEach((x, i) => buffer.writeFloatBE(x, 4 + 4 * i));
  return buffer;
}

// float4 numbers of many sizes
const sample = (n, seed = 1) =>
  Array.from({ length: n }, (_, i) => Math.fround(Math.sin((i + 1) * seed) * 10 ** (((i * 7) % 60) - 30)));

const value = async (client, ...query) => Object.values((await client.query(...query)).rows[0])[0];

test('the type is found by name', async (client) => {
  await pgvector.registerTypes(client);
});

test('a vector arrives as an array', async (client) => {
  assert.deepStrictEqual(await value(client, "SELECT '[1,-2.5,1e-30]'::vector"), [1, -2.5, 1e-30]);
});

test('an array goes as a parameter and comes back', async (client) => {
  for (const n of [1, 2, 16, 100, 1536]) {
    const sent = sample(n);
    const got = await value(client, 'SELECT $1::vector', [pgvector.toSql(sent)]);
    assert.deepStrictEqual(got.map(Math.fround), sent);
  }
});

test('NULL stays NULL', async (client) => {
  assert.strictEqual(await value(client, 'SELECT $1::vector', [null]), null);
});

test('16000 dimensions go there and back', async (client) => {
  const sent = sample(16000);
  const got = await value(client, 'SELECT $1::vector', [pgvector.toSql(sent)]);
  assert.deepStrictEqual(got.map(Math.fround), sent);
});

// pg itself reads binary results as UTF-8, which vectors are not
test('binary parameters keep every bit', async (client) => {
  for (const n of [1, 3, 768, 16000]) {
    const sent = toBinary(sample(n, 2));
    assert.deepStrictEqual(await value(client, 'SELECT vector_send($1::vector)', [sent]), sent);
  }
});

test('nearest neighbours by each operator', async (client) => {
  await client.query('CREATE TEMPORARY TABLE items (id int PRIMARY KEY, embedding vector(3))');
  const rows = { 1: [1, 1, 1], 2: [2, 2, 2.5], 3: [1, 1, 2], 4: [-1, 0, 0.5] };
  for (const [id, v] of Object.entries(rows)) {
    await client.query('INSERT INTO items VALUES ($1, $2)', [id, pgvector.toSql(v)]);
  }
  const expected = { '<->': [1, 3, 2, 4], '<#>': [2, 3, 1, 4], '<=>': [1, 2, 3, 4], '<+>': [1, 3, 2, 4] };
  for (const [operator, ids] of Object.entries(expected)) {
    const result = await client.query(`SELECT id FROM items ORDER BY embedding ${operator} $1 LIMIT 4`, [
      pgvector.toSql([1, 1, 1]),
    ]);
    assert.deepStrictEqual(result.rows.map((row) => row.id), ids, operator);
  }
});

test('a prepared statement searches again and again', async (client) => {
  for (const [v, id] of [[[1, 1, 1], 1], [[2, 2, 2], 2], [[-1, 0, 0], 4]]) {
    const query = { name: 'nearest', text: 'SELECT id FROM items ORDER BY embedding <-> $1 LIMIT 1', values: [pgvector.toSql(v)] };
    assert.strictEqual(await value(client, query), id);
  }
});

test('distances and aggregates', async (client) => {
  assert.strictEqual(await value(client, 'SELECT l2_distance($1::vector, $2)', ['[0,0]', '[3,4]']), 5);
  assert.deepStrictEqual(await value(client, 'SELECT avg(embedding) FROM items WHERE id IN (1, 3)'), [1, 1, 1.5]);
});

test('other dimensions are an error with its code', async (client) => {
  await assert.rejects(
    client.query('INSERT INTO items VALUES (9, $1)', [pgvector.toSql([1, 2])]),
    { code: '22000', message: 'expected 3 dimensions, not 2' });
});

async function main() {
  const client = new pg.Client();
  await client.connect();
  await client.query('SET client_min_messages = warning');
  await client.query('CREATE EXTENSION IF NOT EXISTS vecfeat');
  console.log(`TAP version 13\n1..${cases.length}`);
  for (const [i, { name, body }] of cases.entries()) {
    try {
      await body(client);
      console.log(`ok ${i + 1} - node: ${name}`);
    } catch (error) {
      process.exitCode = 1;
      console.log(`not ok ${i + 1} - node: ${name}\n${String(error.stack).replace(/^/gm, '# ')}`);
    }
  }
  await client.end();
}

main().catch((error) => {
  console.log(`not ok 1 - node: connects\n${String(error.stack).replace(/^/gm, '# ')}`);
  process.exitCode = 1;
});
