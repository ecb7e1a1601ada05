/**
 * Domains that send visits only to be seen in reports (referrer spam). All of their subdomains count, too.
 *
 * Selected in November 2026 from https://github.com/matomo-org/referrer-spam-list (public domain): those whose names offer
 * traffic, backlinks or share buttons, or imitate another site. Domains that someone could visit for their content are left out.
 */
const DOMAINS = `
  1-99seo.com 1-best-seo.com 1-free-share-buttons.com 100-reasons-for-seo.com 100dollars-seo.com
  12-reasons-for-seo.net 15-reasons-for-seo.com 2-best-seo.com 3-best-seo.com 4-best-seo.com 4webmasters.org
  5-best-seo.com 6-best-seo.com 7-best-seo.com 7makemoneyonline.com 8-best-seo.com 9-best-seo.com
  99-reasons-for-seo.com acunetix-referrer.com ai-seo-services.com alfabot.xyz amazon-seo-service.com
  analytics-ads.xyz anti-crisis-seo.com anticrawler.org auto-b2b-seo-service.com auto-seo-service.org
  autoseo-service.org autoseo-traffic.com backlinks-fast-top.com best-seo-offer.com best-seo-software.xyz
  best-seo-solution.com blackhatworth.com blogorganictraffic.shop blogseo.xyz blogtraffic.shop bluerobot.info
  bot-traffic.icu bot-traffic.xyz bottraffic.live bottraffic143.xyz bottraffic329.xyz bottraffic4free.club
  bottraffic4free.host bottraffic999.xyz buttons-for-website.com buttons-for-your-website.com cenokos.ru cenoval.ru
  cheap-trusted-backlinks.com compliance-alex.xyz compliance-alexa.xyz compliance-andrew.xyz compliance-barak.xyz
  compliance-brian.xyz compliance-don.xyz compliance-donald.xyz compliance-elena.xyz compliance-fred.xyz
  compliance-george.xyz compliance-irvin.xyz compliance-ivan.xyz compliance-john.top compliance-julianna.top
  dailyrank.net dailyseo.xyz darodar.com dev-seo.blog domain-tracker.com e-commerce-seo.com e-commerce-seo1.com
  earnian-money.info ecommerce-seo.org eu-cookie-law-enforcement2.xyz event-tracking.com fix-website-errors.com
  floating-share-buttons.com free-fb-traffic.com free-fbook-traffic.com free-floating-buttons.com
  free-share-buttons.com free-social-buttons.com free-social-buttons.xyz free-social-buttons7.xyz free-traffic.xyz
  free-website-traffic.com gammatraffic.com get-free-social-traffic.com get-free-traffic-now.com
  get-more-freeer-visitors.info get-more-freeish-visitors.info get-seo-help.com get-your-social-buttons.info
  getbottraffic4free.xyz getrichquick.ml getrichquickly.info ghostvisitor.com google-liar.ru googlemare.com
  googlsucks.com hosting-tracker.com hulfingtonpost.com ilikevitaly.com iloveitaly.ro iloveitaly.ru ilovevitaly.co
  ilovevitaly.com ilovevitaly.info ilovevitaly.org ilovevitaly.ru ilovevitaly.xyz increasewwwtraffic.info
  kambasoft.com keywords-monitoring-success.com keywords-monitoring-your-success.com law-check-two.xyz
  law-enforcement-bot-ff.xyz law-enforcement-check-three.xyz law-enforcement-ee.xyz law-six.xyz
  local-seo-for-multiple-locations.com monetizationking.net mycheaptraffic.com mytraffic.shop o-o-11-o-o.com
  o-o-6-o-o.com o-o-6-o-o.ru o-o-8-o-o.com o-o-8-o-o.ru progressive-seo.com rank-checker.online
  rankings-analytics.com ranksonic.info ranksonic.net ranksonic.org rapidhits.net resell-seo-services.com semalt.com
  semalt.net semaltmedia.com seo-2-0.com seo-platform.com seo-services-b2b.com seo-services-wordpress.com seo-smm.kz
  seo-tips.top seo-traffic.xyz seoanalyses.com seobook.top seocheckupx.com seocheckupx.net seoexperimenty.ru
  seoservices2018.com share-buttons-for-free.com share-buttons.xyz sharebutton.io sharebutton.net sharebutton.to
  simple-share-buttons.com site-auditor.online sitevaluation.org slow-website.xyz social-button.xyz
  social-buttons-ii.xyz social-buttons.com social-traffic-1.xyz social-traffic-2.xyz social-traffic-3.xyz
  social-traffic-4.xyz social-traffic-5.xyz social-traffic-7.xyz social-widget.xyz socialbuttons.xyz
  startraffic.online success-seo.com super-seo-guru.com supertraffic.xyz theguardlan.com top1-seo-service.com
  topseoservices.co track-rankings.online traffic-cash.xyz traffic2cash.org traffic2cash.xyz traffic2money.com
  trafficbot.life trafficbot4free.xyz trafficdrive.club trafficgenius.xyz trafficmonetize.org trafficmonetizer.org
  trafficstudio.club uctraffic.com wakeupseoconsultant.com web-analytics.date webmaster-traffic.com webmonetizer.net
  website-analytics.online website-speed-check.site website-speed-checker.site websitebottraffic.host wptraffic.xyz
  xtraffic.plus xtrafficplus.com xtrafficplus.online xtrafficplus.shop xtrafficplus.xyz yourtraffic.club
`;

/** A series of one sender: cookie-law-enforcement-aa.xyz to -zz.xyz. */
const COOKIE_LAW = [...'abcdefghijklmnopqrstuvwxyz'].map(
  (letter) => `cookie-law-enforcement-${letter}${letter}.xyz`,
);

export const REFERRER_SPAM: ReadonlySet<string> = new Set([...DOMAINS.trim().split(/\s+/), ...COOKIE_LAW]);
