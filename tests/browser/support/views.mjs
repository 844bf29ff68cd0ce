/** Every view by the address that opens it. */
export const VIEWS = [
  ['overview', '/'],
  ['agents', '/agents'],
  ['agent', '/agents/painter'],
  ['lost agent', '/agents/tester-1'],
  ['topology', '/topology'],
  ['events', '/events'],
  ['expected', '/expected'],
  ['sources', '/sources'],
];

/** Goes to a view and waits until it shows what it is about. */
export async function show(page, path) {
  await page.evaluate((where) => (location.hash = where), path);
  const [view, agent] = path.split('?')[0].split('/').slice(1);
  const there = agent ? `h1:text-is("${agent}")` : { '': '.theatre', agents: 'h1:has-text("Agents")', topology: 'h1:has-text("Topology")', events: 'h1:has-text("Events")', expected: 'h1:has-text("Expected")', sources: 'h1:has-text("Sources")' }[view];
  await page.waitForSelector(there);
  // Two frames later what was loaded is drawn.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}
