// The page in the repository is what its sources give: built anew by the pinned tools in a copy, and compared. And what any browser
// will be told by it: nothing inline, nobody else's address.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { ARTEFACTS } from './support/browser.mjs';

const UI = path.resolve(new URL('.', import.meta.url).pathname, '../../ui');
const WORK = path.join(ARTEFACTS, '../bundle');
const files = (folder) => fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name))).sort();
const npm = (...args) => execFileSync('npm', args, { cwd: WORK, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_ENV: '' } }).toString();

before(() => {
  // What npm installed is kept from one run to the next, as long as the lock is the same.
  fs.mkdirSync(WORK, { recursive: true });
  const lock = fs.readFileSync(path.join(UI, 'package-lock.json'), 'utf8');
  const installed = path.join(WORK, 'installed.lock');
  for (const entry of fs.readdirSync(WORK)) if (entry !== 'node_modules' && entry !== 'installed.lock') fs.rmSync(path.join(WORK, entry), { recursive: true });
  for (const entry of fs.readdirSync(UI)) if (entry !== 'node_modules' && entry !== 'dist') fs.cpSync(path.join(UI, entry), path.join(WORK, entry), { recursive: true });
  if (!fs.existsSync(installed) || fs.readFileSync(installed, 'utf8') !== lock) {
    npm('ci', '--no-audit', '--no-fund');
    fs.writeFileSync(installed, lock);
  }
});

test('its types hold', () => {
  const said = npm('run', 'check');
  assert.match(said, /0 errors and 0 warnings/);
});

test('the committed page is what the sources give', () => {
  npm('run', 'build');
  const plain = (folder) => files(folder).filter((name) => !name.endsWith('.gz'));
  const built = path.join(WORK, 'dist');
  const kept = path.join(UI, 'dist');
  assert.deepEqual(plain(kept), plain(built), 'build ui/ and commit ui/dist');
  for (const name of plain(kept)) {
    assert.ok(fs.readFileSync(path.join(kept, name)).equals(fs.readFileSync(path.join(built, name))), `${name} differs: build ui/ and commit ui/dist`);
    // Which bytes gzip makes depends on the zlib of that Node; what they unpack to does not.
    assert.ok(gunzipSync(fs.readFileSync(path.join(kept, `${name}.gz`))).equals(fs.readFileSync(path.join(kept, name))), `${name}.gz holds something else`);
  }
  assert.equal(files(kept).length, 2 * plain(kept).length);
});

test('has nothing inline and names no other origin', () => {
  const dist = path.join(UI, 'dist');
  const page = fs.readFileSync(path.join(dist, 'index.html'), 'utf8');
  for (const [tag] of page.matchAll(/<script\b[^>]*>/g)) assert.match(tag, /\ssrc="\/assets\//);
  assert.doesNotMatch(page, /<style|\sstyle=|\son\w+=|javascript:/);
  const own = /^https?:\/\/(www\.w3\.org\/(2000\/svg|1999\/xhtml|1998\/Math\/MathML|1999\/xlink)|svelte\.dev\/e\/\w+)/;
  let bytes = 0;
  for (const name of files(dist)) {
    if (name.endsWith('.gz')) {
      bytes += fs.statSync(path.join(dist, name)).size;
      continue;
    }
    const text = fs.readFileSync(path.join(dist, name), 'utf8');
    for (const [found] of text.matchAll(/https?:\/\/[\w.-]+[\w./-]*/g)) assert.match(found, own, `${name} names ${found}`);
    assert.doesNotMatch(text, /\beval\(|new Function\(/, `${name} makes code of text`);
  }
  console.log(`${bytes} bytes in all, packed`);
  assert.ok(bytes <= 150_000, `${bytes} bytes`);
});
