// Ten thousand agents: the list scrolls without dropping frames, holds few rows however long it is, and stays quick while agents change;
// two thousand are still readable in the topology.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { open_browser, open_page, picture } from './support/browser.mjs';
import { Daemon } from './support/programs.mjs';
import { show } from './support/views.mjs';

const AGENTS = 10_000;
const ROWS_MAX = 80;
const CAPABILITIES = ['planning', 'writing', 'testing', 'go_development', 'rust_development', 'translation', 'code_review', 'retrieval'];
const MODELS = ['llama3.1:8b', 'llama3.1:70b', 'qwen2.5:14b', 'mistral-small', 'claude-sonnet-4'];
let daemon, browser, page, faults;

const record = (i, nodes) => ({ name: `agent ${i}`, status: ['idle', 'working', 'online'][i % 3], capabilities: [CAPABILITIES[i % 8], CAPABILITIES[(i * 5 + 3) % 8]], model: MODELS[i % 5], node: `node-${String(i % nodes).padStart(3, '0')}`, cluster_id: `cluster-${i % 4}` });
async function crowd(into, count, nodes) {
  let next = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (let i = next++; i < count; i = next++) {
      const answer = await into.register(`agent-${i}`, record(i, nodes));
      if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`);
    }
  }));
}

before(async () => {
  [daemon, browser] = await Promise.all([Daemon.start('--memory'), open_browser()]);
  const began = performance.now();
  await crowd(daemon, AGENTS, 250);
  console.log(`${AGENTS} registered in ${((performance.now() - began) / 1000).toFixed(1)} s`);
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

/** Scrolls for a while by a step each frame; times between frames, and the most rows that were in the document. */
const scroll = (ms, step) => page.evaluate(({ ms, step }) => new Promise((resolve) => {
  const list = document.querySelector('.viewport');
  const frames = [];
  let rows = 0;
  let down = 1;
  let last = performance.now();
  const end = last + ms;
  const turn = (now) => {
    frames.push(now - last);
    last = now;
    rows = Math.max(rows, document.querySelectorAll('tbody tr').length);
    if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) down = -1;
    if (list.scrollTop <= 0) down = 1;
    list.scrollTop += down * step;
    if (now < end) requestAnimationFrame(turn);
    else resolve({ frames: frames.slice(2).sort((a, b) => a - b), rows });
  };
  requestAnimationFrame(turn);
}), { ms, step });
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

test('ten thousand rows scroll at the pace of the screen', async () => {
  const began = performance.now();
  ({ page, faults } = await open_page(browser, `${daemon.url}/#/agents`));
  await page.waitForSelector('h1:has-text("10,000")');
  console.log(`ten thousand stand after ${(performance.now() - began).toFixed(0)} ms`);
  for (const [how, step] of [['slowly', 12], ['a screen a frame', 600]]) {
    // The machine has other work: the best of three tries says what the page can do.
    let best = Infinity;
    for (let again = 0; again < 3 && best > 17.5; ++again) {
      const { frames, rows } = await scroll(1200, step);
      console.log(`${how}: frame p50 ${at(frames, 0.5).toFixed(1)} ms, p95 ${at(frames, 0.95).toFixed(1)} ms, worst ${frames.at(-1).toFixed(1)} ms; ${rows} rows`);
      assert.ok(rows <= ROWS_MAX, `${rows} rows in the document`);
      best = Math.min(best, at(frames, how === 'slowly' ? 0.9 : 0.5));
    }
    assert.ok(best <= 17.5, `frames came ${best} ms apart while scrolling ${how}`);
  }
  await page.evaluate(() => (document.querySelector('.viewport').scrollTop = 1e9));
  await page.waitForSelector('tr[data-id="agent-9999"]');
});

test('filters and order are there at once', async () => {
  const took = async (what, act, sign) => {
    const began = performance.now();
    await act();
    await page.waitForSelector(sign);
    const ms = performance.now() - began;
    console.log(`${what}: ${ms.toFixed(0)} ms`);
    assert.ok(ms < 1000, `${what} took ${ms} ms`);
  };
  await took('search', () => page.getByRole('searchbox').fill('agent-777'), 'h1:has-text("11 of 10,000")');
  await page.getByRole('searchbox').fill('');
  await page.waitForSelector('h1 .count:text-is("10,000")');
  await took('order', () => page.getByRole('button', { name: 'node' }).click(), 'th[aria-sort="ascending"]:has-text("node")');
  await page.getByRole('button', { name: 'agent' }).first().click();
});

test('stays quick while hundreds of agents change each second', async () => {
  await page.evaluate(() => (document.querySelector('.viewport').scrollTop = 0));
  let ending = false;
  let changes = 0;
  const changing = Promise.all(Array.from({ length: 4 }, async (_, lane) => {
    for (let i = lane; !ending; i = (i + 4) % AGENTS) {
      await daemon.ask('POST', `/api/v1/agents/agent-${i}/renew`, { status: i % 2 === changes % 2 ? 'working' : 'idle' });
      ++changes;
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
  }));
  const { frames } = await scroll(2500, 40);
  ending = true;
  await changing;
  console.log(`${(changes / 2.5).toFixed(0)} changes a second: frame p50 ${at(frames, 0.5).toFixed(1)} ms, p95 ${at(frames, 0.95).toFixed(1)} ms`);
  assert.ok(at(frames, 0.5) <= 34, `half of the frames came ${at(frames, 0.5)} ms apart`);
  assert.ok(at(frames, 0.95) <= 100, `one of twenty frames came ${at(frames, 0.95)} ms late`);
});

test('the theatre seats them all', async () => {
  await show(page, '/');
  await page.waitForSelector('.theatre strong:text-is("10,000")');
  await page.waitForSelector('.chart canvas');
  await picture(page, 'crowd-overview-light');
});

test('two thousand agents are readable in the topology', async () => {
  const smaller = await Daemon.start('--memory');
  const other = await open_page(browser, `${smaller.url}/#/topology`, { colorScheme: 'dark' });
  try {
    await crowd(smaller, 2000, 60);
    await Promise.all(Array.from({ length: 40 }, (_, i) => smaller.ask('DELETE', `/api/v1/agents/agent-${i * 47}?incarnation=1`)));
    await other.page.waitForSelector('h1:has-text("2,000")');
    assert.equal(await other.page.locator('.dots a').count(), 2000);
    assert.equal(await other.page.locator('.dots a[aria-label$=": left"]').count(), 40);
    await picture(other.page, 'crowd-topology-dark');
    assert.deepEqual(other.faults, []);
  } finally {
    await other.context.close();
    await smaller.close();
  }
});

test('nothing went wrong meanwhile', () => assert.deepEqual(faults, []));
