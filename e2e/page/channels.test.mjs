// Who hears of what: from nothing to a test that comes through, with what goes wrong on the way. No page ever shows a secret.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withBrowser, control, violations, picture, until, desktop, phone, page, mistakesInFocus } from './browser.mjs';

const { HOOK } = process.env;
const alice = 'Bearer alice-0123456789abcdef0123456789abcdef';
const bob = 'Bearer bob-0123456789abcdef0123456789abcdef00';
const ops = 'Bearer ops-0123456789abcdef0123456789abcdef00';
const canary = 'canary-4c21';

async function enter(browser, path, { who = alice, viewport = desktop, scheme = 'light', script = true, language = 'en' } = {}) {
  const tab = await browser.newPage();
  tab.complaints = [];
  tab.on('console', (m) => { if (['error', 'warn'].includes(m.type())) tab.complaints.push(m.text()); });
  await tab.setViewport(viewport);
  await tab.setJavaScriptEnabled(script);
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await tab.setExtraHTTPHeaders({ Authorization: who, 'Accept-Language': language });
  tab.answer = await tab.goto(page(path), { waitUntil: 'load' });
  return tab;
}

const text = (tab, selector) => tab.evaluate((s) => document.querySelector(s)?.textContent.replace(/\s+/g, ' ').trim() ?? '', selector);
const fill = (tab, selector, value) => tab.evaluate((s, v) => { document.querySelector(s).value = v; }, selector, value);

// sent does what sends a form, in front: a tab behind another one gets no clicks.
async function sent(tab, send) {
  await tab.bringToFront();
  const [answer] = await Promise.all([tab.waitForNavigation({ waitUntil: 'load' }), send()]);
  return answer;
}

const press = (tab, selector) => sent(tab, () => tab.click(selector));

// sound expects that everybody can use what a tab shows, that it does not scroll sideways, and that it has no secret.
async function sound(tab) {
  const { passes, broken } = await violations(tab);
  assert.deepEqual(broken, []);
  assert.ok(passes > 15, `axe looked at ${passes} rules only`);
  assert.equal(await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, 'it scrolls sideways');
  assert.deepEqual(tab.complaints.filter((c) => !c.includes('status of 4')), []);
  assert.ok(!(await tab.content()).includes(canary), 'it has a secret');
}

test('from nothing to a message', async (t) => {
  await withBrowser(async (browser) => {
    const tab = await enter(browser, '');
    await t.test('five clicks lead to the first channel', async () => {
      await press(tab, 'nav a[href$="channels"]');
      assert.match(await text(tab, 'main h2'), /no channel yet/);
      await sound(tab);
      await picture(tab, 'channels-empty', true);
      await press(tab, 'main a[href$="add-channel"]');
      await sound(tab);
      await tab.type('#f-name', 'first');
      await tab.type('#f-url', `https://hooks.slack.com/services/${canary}`);
      await press(tab, '.go');
      assert.match(tab.url(), /channels\/first\?done=channel_added$/);
      assert.match(await text(tab, '[role=status]'), /^Added\. Every Alertmanager runs it/);
      assert.match(await (await fetch(`${process.env.CONTROL_URL}/runs`)).text(), /hc-first/);
      await sound(tab);
    });
    await t.test('mistakes are told beside their fields, and secrets are not kept', async () => {
      await tab.goto(page('add-channel?type=webhook'));
      await tab.type('#f-name', 'hook');
      await tab.type('#f-url', 'https://inside.example/');
      await tab.type('#f-token', canary);
      await tab.type('#f-matchers', 'environment="LIVE"\nfoo bar');
      await press(tab, '.go');
      await mistakesInFocus(tab);
      assert.match(await text(tab, '#w-matchers'), /line 2: got "foo bar"/);
      assert.match(await text(tab, '#w-url'), /channel_hosts/);
      assert.equal(await tab.$eval('#f-token', (e) => e.value), '');
      await sound(tab);
      await picture(tab, 'channel-errors', true);
      await fill(tab, '#f-url', `${HOOK}/hear`);
      await fill(tab, '#f-matchers', 'environment="LIVE"');
      await tab.type('#f-token', canary);
      await press(tab, '.go');
      assert.match(tab.url(), /channels\/hook\?done=channel_added$/);
    });
    await t.test('a test shows how far it got', async () => {
      await press(tab, 'form[action$="/test"] button');
      assert.match(tab.url(), /done=channel_testing$/);
      await sound(tab);
      await until('over', async () => {
        if (await tab.$('a::-p-text(See how far it is)')) await press(tab, 'a::-p-text(See how far it is)');
        else return true;
        return false;
      }, 60_000);
      assert.match(await text(tab, 'section:has(#trial)'), /came through/);
      assert.ok((await tab.$$('ol.events li')).length >= 3);
      await sound(tab);
      await picture(tab, 'channel-tested', true);
    });
    await t.test('edit, and who is late sees what the other one did', async () => {
      const late = await enter(browser, 'channels/hook');
      await tab.goto(page('channels/hook'));
      assert.match(await text(tab, '#h-matchers'), /Selects 1 of 2 targets now/);
      await fill(tab, '#f-group_wait', '2s');
      await press(tab, '.go');
      assert.match(tab.url(), /done=channel_changed$/);
      await fill(late, '#f-group_wait', '3s');
      await press(late, '.go');
      assert.match(await text(late, '#conflict'), /alice changed this/);
      assert.match(await text(late, 'section.wrong tbody'), /2s.*3s/);
      await sound(late);
      await picture(late, 'channel-conflict', true);
      await press(late, '.go');
      assert.match(late.url(), /done=channel_changed$/);
      await late.close();
    });
    await t.test('off and on from the list, and who is told of a target', async () => {
      await tab.goto(page('channels'));
      await press(tab, 'form[action$="/hook/off"] button');
      assert.match(tab.url(), /channels\?done=channel_off$/);
      await tab.goto(page('targets/shop'));
      assert.match(await text(tab, 'section:has(#told)'), /first Slack, incoming webhook/);
      assert.match(await text(tab, 'section:has(#told)'), /hook Webhook .* · off/);
      await sound(tab);
      await picture(tab, 'target-told', true);
      await tab.goto(page('channels'));
      await press(tab, 'form[action$="/hook/on"] button');
      assert.match(tab.url(), /channels\?done=channel_on$/);
    });
    await t.test('the list in every look', async () => {
      for (const [look, options] of Object.entries({ light: {}, dark: { scheme: 'dark' }, phone: { viewport: phone }, 'phone-dark': { viewport: phone, scheme: 'dark' }, korean: { language: 'ko' } })) {
        for (const [name, path] of [['channels', 'channels'], ['channel', 'channels/hook'], ['channel-add', 'add-channel']]) {
          const one = await enter(browser, path, options);
          await sound(one);
          await picture(one, `${name}-${look}`, true);
          await one.close();
        }
      }
    });
    await t.test('delete needs a word', async () => {
      await tab.bringToFront();
      await tab.goto(page('channels/first'));
      await tab.click('.delete summary');
      await tab.click('.delete [name=confirm]');
      await press(tab, '.no');
      assert.match(tab.url(), /channels\?done=channel_deleted$/);
      assert.ok(!(await text(tab, 'table')).includes('first Slack'));
    });
    await t.test('what was done is among the events', async () => {
      await tab.goto(page('events?kind=channel'));
      assert.match(await text(tab, 'ul.events'), /removed first by alice/);
      assert.ok(await tab.$('ul.events a[href="./channels/hook"]'));
      await sound(tab);
    });
  });
});

test('what goes wrong with Alertmanager', async (t) => {
  await withBrowser(async (browser) => {
    const tab = await enter(browser, 'add-channel?type=receiver');
    await t.test('it refuses', async () => {
      await control('/quirk?is=refuses');
      await tab.type('#f-name', 'pager');
      await tab.type('#f-receiver', 'pagerduty-ops');
      await press(tab, '.go');
      assert.match(await text(tab, '.wrong[role=alert]'), /Nothing has been saved: am-1.* refuses it/);
      assert.equal(await tab.$eval('#f-receiver', (e) => e.value), 'pagerduty-ops');
      await sound(tab);
      await picture(tab, 'channel-refused', true);
      await control('/quirk?is=');
      await press(tab, '.go');
      assert.match(tab.url(), /channels\/pager\?done=channel_added/);
    });
    await t.test('somebody else changes its file', async () => {
      await control('/spoil');
      await tab.goto(page('channels'));
      await press(tab, 'form[action$="/pager/off"] button');
      assert.match(await text(tab, '.wrong'), /Somebody else has changed .* so nothing has been saved/);
      await sound(tab);
      await picture(tab, 'channels-changed', true);
      await tab.click('[name=overwrite]');
      await press(tab, '.no');
      assert.match(tab.url(), /channels\?done=applied/);
      assert.ok(!(await (await fetch(`${process.env.CONTROL_URL}/runs`)).text()).includes('# mine'));
    });
  });
});

test('without the script everything is possible', async () => {
  await withBrowser(async (browser) => {
    const tab = await enter(browser, 'add-channel', { script: false, viewport: phone });
    await tab.click('a[href*="type=webhook"]');
    await tab.waitForSelector('#f-token');
    await tab.type('#f-name', 'plain');
    await tab.type('#f-url', `${HOOK}/plain`);
    await press(tab, '.go');
    assert.match(tab.url(), /channels\/plain\?done=channel_added/);
    await press(tab, 'form[action$="/plain/off"] button');
    assert.match(tab.url(), /channels\/plain\?done=channel_off/);
    await press(tab, 'form[action$="/test"] button');
    assert.match(tab.url(), /done=channel_testing/);
  });
});

test('who may do nothing sees channels and no form', async () => {
  await withBrowser(async (browser) => {
    for (const [who, forms] of [[bob, 0], [ops, 0]]) {
      const tab = await enter(browser, 'channels', { who });
      assert.match(await text(tab, 'table'), /hook/);
      assert.equal(await tab.$$eval('main form', (all) => all.length), forms);
      await sound(tab);
      await tab.goto(page('channels/hook'));
      assert.equal(await tab.$$eval('main form', (all) => all.length), forms);
      const answer = await tab.goto(page('add-channel'));
      assert.equal(answer.status(), 403);
      await tab.close();
    }
  });
});
