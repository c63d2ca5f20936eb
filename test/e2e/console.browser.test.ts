import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsoleUnderTest } from './console-under-test.ts';

const CHROMIUM = '/usr/bin/chromium';
const ARTIFACTS = join(import.meta.dirname, '../../test-results');
const missing = existsSync(CHROMIUM) ? '' : `${CHROMIUM} is missing: apt-get install chromium`;

const SECTIONS = ['Data transferred', 'Retransmission timeouts', 'Retransmissions'] as const;

describe.skipIf(missing !== '')(`the console in Chromium ${missing}`, () => {
  let server: ConsoleUnderTest;
  let browser: Browser;

  beforeAll(async () => {
    server = await ConsoleUnderTest.start();
    await server.createScope();
    await server.reportHour();
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Opens the address in a browser without cookies. Errors in the page fail the last test. */
  async function open(
    fragment = '',
    { signedIn = false, at = server.address } = {},
  ): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => errors.push(error));
    await page.clock.install();
    await page.goto(at + fragment);
    if (signedIn) await signIn(page);
    return page;
  }
  const errors: Error[] = [];

  async function signIn(page: Page, secret = server.key.secretAccessKey): Promise<void> {
    await page.getByLabel('Access key ID').fill(server.key.accessKeyId);
    await page.getByLabel('Secret access key').fill(secret);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** Keeps a picture of the whole page. */
  async function keepPicture(page: Page, name: string): Promise<void> {
    await mkdir(ARTIFACTS, { recursive: true });
    const fullHeight = await page.evaluate('document.documentElement.scrollHeight');
    await page.setViewportSize({ width: 1440, height: Number(fullHeight) });
    await page.screenshot({ path: join(ARTIFACTS, name) });
  }

  const section = (page: Page, title: string): Locator =>
    page.locator(`section[aria-label="${title}"]`);
  const table = (page: Page, title: string): Locator =>
    section(page, title).getByRole('table', { name: `Top contributors, ${title}` });
  const rows = (page: Page, title: string): Locator =>
    table(page, title)
      .locator('tbody tr')
      .filter({ has: page.locator('.value-text') });

  test('without a session, only the sign-in form is shown', async () => {
    const page = await open();
    await page.getByLabel('Secret access key').waitFor();
    expect(await page.getByText('Workload insights').count()).toBe(0);
    expect(await page.getByRole('table').count()).toBe(0);
    const answer = await page.request.get(new URL('api/scopes', server.address).href);
    expect(answer.status()).toBe(403);
    await page.context().close();
  });

  test('a wrong key is rejected with the server’s reason', async () => {
    const page = await open();
    await signIn(page, 'wrong');
    await page.getByText('no access key has this id and secret').waitFor();
    expect(await page.getByText('Workload insights').count()).toBe(0);
    await page.context().close();
  });

  test('a one-time token signs in once and is removed from the address', async () => {
    const token = await server.token();
    const page = await open(`#token=${token}`);
    await page.getByRole('heading', { name: 'Workload insights' }).waitFor();
    expect(page.url()).toBe(server.address);
    const second = await open(`#token=${token}`);
    await second.getByText('The sign-in link did not work').waitFor();
    await second.context().close();
    await page.context().close();
  });

  test('a key signs in to three sections with chart and rows', async () => {
    const page = await open('', { signedIn: true });
    for (const title of SECTIONS) {
      await rows(page, title).first().waitFor();
      await section(page, title).getByRole('application').first().waitFor();
      expect(await section(page, title).locator('svg path[stroke^="var(--nfm"]').count()).not.toBe(
        0,
      );
    }
    const order = await page.locator('section[aria-label] h2').allInnerTexts();
    expect(order).toEqual([...SECTIONS]);
    const headers = await table(page, 'Data transferred').locator('thead th').allInnerTexts();
    expect(headers.map((header) => header.trim())).toEqual([
      'Subnet ID',
      'Local AZ',
      'VPC ID',
      'Local Region',
      'Account ID',
      'Remote resource',
      'Category',
      'Value',
    ]);
    await keepPicture(page, 'console.png');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('.awsui-dark-mode').first().waitFor();
    await keepPicture(page, 'console-dark.png');
    await page.context().close();
  });

  test('a filter hides other rows and is kept in the address', async () => {
    const page = await open('', { signedIn: true });
    await rows(page, 'Data transferred').first().waitFor();
    const filter = section(page, 'Data transferred').getByRole('searchbox');
    await filter.fill('no such thing');
    await page.getByText('No contributor matches the filter.').waitFor();
    expect(new URL(page.url()).searchParams.get('data.filter')).toBe('no such thing');
    await page.reload();
    await page.getByText('No contributor matches the filter.').waitFor();
    await section(page, 'Data transferred')
      .getByRole('button', { name: 'Clear the filter' })
      .last()
      .click();
    await rows(page, 'Data transferred').first().waitFor();
    await page.context().close();
  });

  test('live refresh shows new reports; a paused page does not', async () => {
    const page = await open('', { signedIn: true });
    await page.getByText('Updated').waitFor();
    const first = await server.reportOneMore();
    expect(await page.getByText(first).count()).toBe(0);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.clock.fastForward(31_000);
    await table(page, 'Data transferred').getByText(first).first().waitFor();
    await expect.poll(() => asked).toHaveLength(3);
    expect(asked.filter((path) => !path.endsWith('/insights'))).toEqual([]);
    await page.getByRole('switch').or(page.getByLabel('Live, every 30 s')).first().click();
    await page.getByText('Paused').waitFor();
    expect(new URL(page.url()).searchParams.get('live')).toBe('off');
    const updated = await page.locator('.live-status').textContent();
    await page.clock.fastForward(120_000);
    expect(await page.locator('.live-status').textContent()).toBe(updated);
    await page.context().close();
  });

  test('a range is kept in the address, and Back undoes it', async () => {
    const page = await open('', { signedIn: true });
    await rows(page, 'Data transferred').first().waitFor();
    await page.getByRole('button', { name: 'Last 3 hours' }).click();
    expect(new URL(page.url()).searchParams.get('range')).toBe('3h');
    await page.goBack();
    await expect.poll(() => page.url()).toBe(server.address);
    await page.context().close();
  });

  test('an unknown address below /console/ shows a page with a way out', async () => {
    const page = await open('no/such page', { signedIn: true });
    await page.getByRole('heading', { name: 'Page not found' }).waitFor();
    await expect.poll(() => page.title()).toBe('Page not found - Network Flow Monitor');
    await keepPicture(page, 'console-not-found.png');
    await page.getByRole('link', { name: 'Open the start page' }).click();
    await page.getByRole('heading', { name: 'Workload insights' }).waitFor();
    await expect.poll(() => page.title()).toBe('Workload insights - Network Flow Monitor');
    expect(page.url()).toBe(server.address);
    await page.goBack();
    await page.getByRole('heading', { name: 'Page not found' }).waitFor();
    await page.context().close();
  });

  test('the navigation and the help open beside the page', async () => {
    const page = await open('', { signedIn: true });
    await rows(page, 'Data transferred').first().waitFor();
    await page.getByRole('button', { name: 'Open the navigation' }).click();
    const link = page.getByRole('navigation').getByRole('link', { name: 'Workload insights' });
    expect(await link.getAttribute('href')).toBe('/console/');
    expect(await link.getAttribute('aria-current')).toBe('page');
    await page.getByRole('button', { name: 'Open the help' }).click();
    await page.getByText('A dash marks a value that is not known').waitFor();
    await keepPicture(page, 'console-panels.png');
    await page.context().close();
  });

  test('signing out shows the form again and ends the session of the cookie', async () => {
    const page = await open('', { signedIn: true });
    await page.getByRole('heading', { name: 'Workload insights' }).waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await page.getByLabel('Secret access key').waitFor();
    await page.reload();
    await page.getByLabel('Secret access key').waitFor();
    await page.context().close();
  });

  test('a session that ended on the server leads to the sign-in form', async () => {
    const page = await open('', { signedIn: true });
    await page.getByText('Updated').waitFor();
    await server.endSessions();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('Your session has ended').waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
    await page.context().close();
  });

  test('a new installation shows that it has no scope, then no flow, then only loopback', async () => {
    const fresh = await ConsoleUnderTest.start();
    try {
      const page = await open(`#token=${await fresh.token()}`, { at: fresh.address });
      await page.getByRole('button', { name: 'Create a scope' }).click();
      await page.getByText('Scope ready').waitFor();
      await page.getByText('Is an agent running and reporting').waitFor();
      await fresh.reportLoopback();
      await page.getByRole('button', { name: 'Refresh' }).click();
      await page.getByText('Only loopback flows so far').waitFor();
      await keepPicture(page, 'console-first-look.png');
      await page.getByRole('button', { name: 'Show loopback flows' }).click();
      await rows(page, 'Data transferred').first().waitFor();
      expect(new URL(page.url()).searchParams.get('loopback')).toBe('on');
      expect(await page.getByText('Only loopback flows so far').count()).toBe(0);
      await page.context().close();
    } finally {
      await fresh.stop();
    }
  });

  test('no page threw an error', () => {
    expect(errors).toEqual([]);
  });
});
