// Debian's Chromium without a window, watched for what the page must never do.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const PACKAGES = process.env.CHOREGOS_BROWSER_PACKAGES ?? new URL('../../../build/dev/tests/browser/packages', import.meta.url).pathname;
export const require = createRequire(path.join(PACKAGES, 'package.json'));
const { chromium } = require('playwright-core');
export const ARTEFACTS = process.env.CHOREGOS_BROWSER_ARTEFACTS ?? path.join(PACKAGES, '../pictures');
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Root has no sandbox to offer; inside containers /dev/shm is small. */
export const FLAGS = [...(process.getuid() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage', '--disable-gpu', '--force-color-profile=srgb', '--font-render-hinting=none'];

export async function open_browser(...flags) {
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });
}

/** A page of a browser context of its own, and what it did wrong so far. */
export async function open_page(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, colorScheme: 'light', timezoneId: 'UTC', locale: 'en-GB', ...options });
  const page = await context.newPage();
  const origin = new URL(url).origin;
  const faults = [];
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('popup', () => faults.push('popup'));
  context.on('request', (request) => { if (!request.url().startsWith(`${origin}/`)) faults.push(`request to ${request.url().slice(0, 200)}`); });
  page.on('console', (message) => {
    // While the daemon is away the browser itself writes that a request failed; that is the test's doing.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  await context.exposeFunction('report_violation', (text) => faults.push(`policy: ${text}`));
  await context.addInitScript(() => document.addEventListener('securitypolicyviolation', (event) => window.report_violation(`${event.violatedDirective} ${event.blockedURI}`)));
  await page.goto(url);
  return { page, context, faults };
}

export async function picture(page, name) {
  fs.mkdirSync(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: path.join(ARTEFACTS, `${name}.png`) });
}

/** A small picture for docs/UI.md, which keeps those of a run that somebody has looked at. */
export async function guide_picture(page, name) {
  const folder = path.join(ARTEFACTS, 'guide');
  fs.mkdirSync(folder, { recursive: true });
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 82 });
  await session.detach();
  fs.writeFileSync(path.join(folder, `${name}.webp`), Buffer.from(data, 'base64'));
}
