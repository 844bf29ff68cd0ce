// Agents say what they like of themselves. Whatever they say is shown as it is and does nothing: no script runs, no request leaves,
// no row grows, and nobody looks like somebody else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { open_browser, open_page, picture } from './support/browser.mjs';
import { PAYLOADS } from './support/payloads.mjs';
import { Daemon, until } from './support/programs.mjs';
import { show } from './support/views.mjs';

const FIELDS = {
  name: (text) => text,
  model: (text) => text,
  node: (text) => text,
  version: (text) => text,
  cluster_id: (text) => text,
  endpoint: (text) => text,
  p2p_addr: (text) => text,
  capabilities: (text) => [text],
  labels: (text) => ({ note: text }),
  'labels, as key': (text) => ({ [text]: 'x' }),
};

let daemon, browser, page, faults;
const listed = new Map();  // id -> the texts it brought in

before(async () => {
  [daemon, browser] = await Promise.all([Daemon.start(), open_browser()]);
});
after(async () => {
  await browser?.close();
  await daemon?.close();
});

test('every text field takes or refuses each of a hundred payloads', async () => {
  assert.equal(PAYLOADS.length, 100);
  const taken = Object.fromEntries(Object.keys(FIELDS).map((field) => [field, 0]));
  await Promise.all(PAYLOADS.map(async (payload, i) => {
    const id = `hostile-${i}`;
    const record = {};
    const texts = [];
    for (const [field, dress] of Object.entries(FIELDS)) {
      const member = field.split(',')[0];
      const value = dress(payload);
      const answer = await daemon.register(id, { [member]: value });
      assert.ok([200, 201, 400].includes(answer.status), `${field}: ${answer.status} ${answer.text}`);
      if (answer.status === 400) continue;
      ++taken[field];
      record[member] = member === 'labels' ? { ...record.labels, ...value } : value;
      if (field !== 'labels, as key') texts.push([member, payload]);
    }
    const whole = await daemon.register(id, record);
    assert.ok(whole.status === 200 || whole.status === 201, whole.text);
    // The id itself is a word, and nothing else.
    const named = await daemon.register(payload.slice(0, 60) || 'x');
    assert.ok([400, 404, 405, 413, 414].includes(named.status) || /^[\w.:/-]+$/.test(payload.slice(0, 60)), `${named.status} for the id ${payload.slice(0, 60)}`);
    // A reason for leaving is a text, too.
    if (i % 10 === 0) {
      const left = await daemon.ask('DELETE', `/api/v1/agents/${id}?incarnation=1&reason=${encodeURIComponent(payload)}`);
      assert.ok([200, 204, 400].includes(left.status), left.text);
    }
    listed.set(id, texts);
  }));
  console.log('taken of 100:', JSON.stringify(taken));
  for (const field of ['name', 'model', 'node', 'version', 'labels']) assert.ok(taken[field] >= 50, `${field} takes ${taken[field]} of the payloads: the page is hardly tried`);
});

test('every view shows them as text, in its layout', async () => {
  ({ page, faults } = await open_page(browser, `${daemon.url}/#/agents?columns=${encodeURIComponent('id,liveness,since,status,capabilities,model,node,cluster,team,tasks_completed,endpoint,version,last_seen')}`));
  await page.waitForSelector('tr[data-id="hostile-99"], tr[data-id="hostile-1"]');
  const heights = new Set(await page.locator('tbody tr[data-id]').evaluateAll((rows) => rows.map((row) => Math.round(row.getBoundingClientRect().height))));
  assert.deepEqual([...heights], [40], 'every row is as high as the others');
  await picture(page, 'hostile-agents');
  for (const width of [1360, 360]) {
    await page.setViewportSize({ width, height: 800 });
    for (const where of ['/', '/agents', '/topology', '/events', '/expected', '/sources', '/agents/hostile-3', '/agents/hostile-42']) {
      await show(page, where);
      const wide = await page.evaluate(() => {
        const within = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= within) return [];
        return [...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > within && !each.parentElement.closest('.scroll, .viewport, nav')).map((each) => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 40)}`).slice(0, 12);
      });
      assert.deepEqual(wide, [], `${where} is wider than ${width}`);
    }
  }
  await page.setViewportSize({ width: 1360, height: 860 });
  await show(page, '/topology');
  await picture(page, 'hostile-topology');
});

test('each agent\'s page shows what it said letter by letter', async () => {
  let shown = 0;
  for (const [id, texts] of listed) {
    await page.evaluate((where) => (location.hash = where), `/agents/${id}`);
    await page.waitForSelector(`h1:text-is("${id}")`);
    const said = await page.evaluate(() => document.querySelector('main').textContent);
    const kept = JSON.parse((await daemon.ask('GET', `/api/v1/agents/${id}`)).text);
    for (const [member, text] of texts) {
      const value = member === 'labels' ? kept.labels?.note : member === 'capabilities' ? kept.capabilities[0] : kept[member];
      if (!value) continue;
      ++shown;
      assert.ok(said.includes(value), `${id}: ${member} is not shown as ${JSON.stringify(value)}`);
      assert.equal(value, text.normalize('NFC'), `${id}: ${member} was changed on its way`);
    }
  }
  console.log(`${shown} texts shown as they are`);
  await picture(page, 'hostile-agent');
  const planted = await page.evaluate(() => ({ ran: window.owned ?? null, made: document.querySelectorAll('main script, main iframe, main object, main embed, main img, main form, main style, main link, main base').length, title: document.title }));
  assert.equal(planted.ran, null);
  assert.equal(planted.made, 0);
});

test('as filters in the address they are texts, too', async () => {
  for (const payload of PAYLOADS.slice(0, 40)) {
    const value = encodeURIComponent(payload);
    await page.evaluate((where) => (location.hash = where), `/agents?q=${value}&model=${value}&capability=${value}&columns=${value}&sort=${value}&liveness=${value}&cluster=${value}`);
    await page.waitForSelector('h1:has-text("Agents")');
    await page.evaluate((where) => (location.hash = where), `/agents/${value}`);
    await page.waitForSelector('header h1');
  }
  assert.equal(await page.evaluate(() => window.owned ?? null), null);
});

test('no two agents look alike: what could deceive is refused, and an id is always a plain word beside a name', async () => {
  const deceivers = ['admin\u202Enimda', 'ad\u200Bmin', 'ad\u2066min', 'admin\u0007', 'admin\u0000', 'admin\u009B31m', 'ad\uFEFFmin', 'admin\r\nroot', 'ad\u00ADmin', '\u200Fadmin'];
  for (const name of deceivers) {
    const answer = await daemon.register('deceiver', { name });
    assert.equal(answer.status, 400, `${JSON.stringify(name)}: ${answer.status} ${answer.text}`);
  }
  assert.equal((await daemon.register('long', { name: 'x'.repeat(200) })).status, 400);
  for (const id of ['аdmin', 'ad min', 'ad\u200Bmin', 'ｅvil', '../etc', '<b>', 'x'.repeat(65)]) assert.notEqual((await daemon.register(id)).status, 201, id);
  // Letters that look alike are letters: both names stand, each beside its id.
  await daemon.register('first', { name: 'admin' });
  await daemon.register('second', { name: 'аdmin' });
  await show(page, '/agents?q=dmin');
  await page.waitForSelector('tr[data-id="second"]');
  const ids = await page.locator('tbody tr[data-id] td.id').allInnerTexts();
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.includes('first') && ids.includes('second'));
  for (const id of ['first', 'second']) {
    await show(page, `/agents/${id}`);
    assert.equal(await page.locator('h1').innerText(), id);
  }
  await until('the page has shown them', async () => (await page.title()).startsWith('second'));
});

test('nothing ran, nothing was asked elsewhere, no policy was broken', () => assert.deepEqual(faults, []));
