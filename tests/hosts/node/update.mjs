// A lead update by a host in Node: bindings that jco generates, and credentials that the component never sees.
//
// Arguments: the component's file, the folder of the WIT, the server; the token is in the environment. Prints, as JSON, what
// each update came to, and what the generated types say of the interface.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { generateHostTypes, transpileBytes, writeFiles } from '@bytecodealliance/jco-transpile';
import { monotonicClock } from '@bytecodealliance/preview2-shim/clocks';
import { _addPreopen } from '@bytecodealliance/preview2-shim/filesystem';
import { outgoingHandler, types } from '@bytecodealliance/preview2-shim/http';
import { error, poll, streams } from '@bytecodealliance/preview2-shim/io';

const [component, wit, server] = process.argv.slice(2);
const LEAD = 'adf21080-0e10-11eb-879b-05d71fb426ec';

// The generator is a component too, and reads the WIT through this.
_addPreopen('/', '/');
const options = { name: 'http-task', instantiation: { tag: 'async' } };
const documented = await generateHostTypes(wit, { ...options, worldName: 'http-task', outDir: 'types/' });
const bindings = await transpileBytes(await readFile(component), { ...options, outDir: 'bindings' });
await writeFiles(bindings.files);

// The host's part: for the reference that the component sends along, the credential that it stands for.
const REFERENCE = 'x-http-task-credentials';
const credentials = { pipedrive: ['x-api-token', process.env.STAND_IN_TOKEN] };
const fromList = types.Fields.fromList;
types.Fields.fromList = (fields) =>
  fromList(
    fields.map(([name, value]) => {
      if (name !== REFERENCE) return [name, value];
      const [header, secret] = credentials[new TextDecoder().decode(value)];
      return [header, new TextEncoder().encode(secret)];
    }),
  );

const { instantiate } = await import(join(process.cwd(), 'bindings/http-task.js'));
const compile = async (path) => WebAssembly.compile(await readFile(join('bindings', path)));
const { leads } = await instantiate(compile, {
  'wasi:clocks/monotonic-clock': monotonicClock,
  'wasi:http/outgoing-handler': outgoingHandler,
  'wasi:http/types': types,
  'wasi:io/error': error,
  'wasi:io/poll': poll,
  'wasi:io/streams': streams,
});

// A failure is thrown.
const update = (...changes) => {
  try {
    return { tag: 'ok', val: leads.update({ leadId: LEAD, changes, credentials: 'pipedrive', server }, {}) };
  } catch (failure) {
    return { tag: 'err', val: failure };
  }
};

const outcomes = {
  updated: update(
    { tag: 'title', val: 'Chairs' },
    { tag: 'value', val: { amount: '12.50', currency: 'EUR' } },
    { tag: 'organization-id', val: undefined },
    { tag: 'label-ids', val: [] },
  ),
  refused: update({ tag: 'person-id', val: undefined }),
  invalid: update({ tag: 'title', val: ' ' }, { tag: 'visible-to', val: '2' }),
  types: new TextDecoder().decode(documented['types/interfaces/workflow-http-task-leads.d.ts']),
};
process.stdout.write(JSON.stringify(outcomes));
