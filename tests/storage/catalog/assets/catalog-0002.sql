CREATE SCHEMA tidewheel_asset;
CREATE TABLE tidewheel_asset.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE tidewheel_asset.alerts (
    seq bigint NOT NULL,
    service text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    message text NOT NULL,
    detail text NOT NULL,
    opened bigint NOT NULL,
    seen bigint NOT NULL,
    times integer NOT NULL,
    closed bigint
);
CREATE SEQUENCE tidewheel_asset.alerts_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.alerts_seq_seq OWNED BY tidewheel_asset.alerts.seq;
CREATE TABLE tidewheel_asset.approvals (
    seq bigint NOT NULL,
    version text NOT NULL,
    gate text NOT NULL,
    run text NOT NULL,
    approvers text NOT NULL,
    detail text NOT NULL,
    evidence text NOT NULL,
    asked bigint NOT NULL,
    expires bigint NOT NULL,
    answer text NOT NULL,
    answered bigint,
    who text NOT NULL,
    note text NOT NULL
);
CREATE SEQUENCE tidewheel_asset.approvals_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.approvals_seq_seq OWNED BY tidewheel_asset.approvals.seq;
CREATE TABLE tidewheel_asset.counters (
    topic text NOT NULL,
    value bigint NOT NULL
);
CREATE TABLE tidewheel_asset.datasets (
    digest text NOT NULL,
    model text NOT NULL,
    view text NOT NULL,
    rows bigint NOT NULL,
    as_of bigint NOT NULL,
    detail text NOT NULL,
    created bigint NOT NULL,
    manifest text DEFAULT ''::text NOT NULL
);
CREATE TABLE tidewheel_asset.deleted_versions (
    model text NOT NULL,
    number integer NOT NULL,
    why text NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.deployment_history (
    seq bigint NOT NULL,
    service text NOT NULL,
    revision bigint NOT NULL,
    action text NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    at bigint NOT NULL,
    cause text NOT NULL,
    who text NOT NULL
);
CREATE SEQUENCE tidewheel_asset.deployment_history_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.deployment_history_seq_seq OWNED BY tidewheel_asset.deployment_history.seq;
CREATE TABLE tidewheel_asset.deployments (
    service text NOT NULL,
    revision bigint NOT NULL,
    service_version text NOT NULL,
    champion text NOT NULL,
    previous text NOT NULL,
    previous_service_version text NOT NULL,
    challenger text NOT NULL,
    challenger_service_version text NOT NULL,
    share double precision NOT NULL,
    mode text NOT NULL,
    salt text NOT NULL,
    killed boolean NOT NULL,
    since bigint NOT NULL,
    cause text NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.environment_history (
    seq bigint NOT NULL,
    model text NOT NULL,
    environment text NOT NULL,
    revision bigint NOT NULL,
    before integer,
    after integer,
    at bigint NOT NULL,
    why text NOT NULL,
    who text NOT NULL
);
CREATE SEQUENCE tidewheel_asset.environment_history_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.environment_history_seq_seq OWNED BY tidewheel_asset.environment_history.seq;
CREATE TABLE tidewheel_asset.environments (
    model text NOT NULL,
    environment text NOT NULL,
    number integer NOT NULL,
    revision bigint NOT NULL,
    since bigint NOT NULL,
    why text NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.graphs (
    digest text NOT NULL,
    graph text NOT NULL,
    created bigint NOT NULL
);
CREATE TABLE tidewheel_asset.groups (
    state_id text NOT NULL,
    name text NOT NULL,
    graph text NOT NULL,
    status text NOT NULL,
    since bigint NOT NULL
);
CREATE TABLE tidewheel_asset.job_runs (
    job text NOT NULL,
    due bigint NOT NULL,
    status text NOT NULL,
    attempt integer NOT NULL,
    holder text NOT NULL,
    claimed bigint NOT NULL,
    finished bigint,
    detail text NOT NULL,
    cause text DEFAULT ''::text NOT NULL
);
CREATE TABLE tidewheel_asset.jobs (
    name text NOT NULL,
    schedule text NOT NULL,
    since bigint NOT NULL
);
CREATE TABLE tidewheel_asset.live_graphs (
    revision bigint NOT NULL,
    digest text NOT NULL,
    since bigint NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.notes (
    seq bigint NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    at bigint NOT NULL,
    sent bigint
);
CREATE SEQUENCE tidewheel_asset.notes_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.notes_seq_seq OWNED BY tidewheel_asset.notes.seq;
CREATE TABLE tidewheel_asset.run_metrics (
    run text NOT NULL,
    split text NOT NULL,
    metric text NOT NULL,
    value double precision,
    low double precision,
    high double precision
);
CREATE TABLE tidewheel_asset.run_steps (
    run text NOT NULL,
    seq integer NOT NULL,
    step text NOT NULL,
    at bigint NOT NULL,
    seconds double precision NOT NULL,
    detail text NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    output text DEFAULT ''::text NOT NULL,
    reused text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'done'::text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL
);
CREATE TABLE tidewheel_asset.runs (
    id text NOT NULL,
    model text NOT NULL,
    status text NOT NULL,
    started bigint NOT NULL,
    finished bigint,
    cause text NOT NULL,
    who text NOT NULL,
    rerun_of text NOT NULL,
    parameters text NOT NULL,
    lineage text NOT NULL,
    gates text NOT NULL,
    artifacts text NOT NULL,
    error text NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    process text DEFAULT ''::text NOT NULL,
    seen bigint
);
CREATE TABLE tidewheel_asset.service_versions (
    digest text NOT NULL,
    service text NOT NULL,
    definition text NOT NULL,
    graph text NOT NULL,
    created bigint NOT NULL
);
CREATE TABLE tidewheel_asset.thresholds (
    service text NOT NULL,
    version integer NOT NULL,
    levels text NOT NULL,
    at bigint NOT NULL,
    cause text NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.trials (
    run text NOT NULL,
    number integer NOT NULL,
    search text NOT NULL,
    state text NOT NULL,
    parameters text NOT NULL,
    steps text NOT NULL,
    error text NOT NULL,
    value double precision,
    seconds double precision NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE tidewheel_asset.version_notes (
    seq bigint NOT NULL,
    model text NOT NULL,
    number integer NOT NULL,
    text text NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL
);
CREATE SEQUENCE tidewheel_asset.version_notes_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.version_notes_seq_seq OWNED BY tidewheel_asset.version_notes.seq;
CREATE TABLE tidewheel_asset.version_tags (
    model text NOT NULL,
    number integer NOT NULL,
    tag text NOT NULL,
    value text NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.versions (
    model text NOT NULL,
    number integer NOT NULL,
    run text NOT NULL,
    bundle text NOT NULL,
    view text NOT NULL,
    definition text NOT NULL,
    metrics text NOT NULL,
    gates text NOT NULL,
    who text NOT NULL,
    created bigint NOT NULL
);
ALTER TABLE ONLY tidewheel_asset.alerts ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.alerts_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.approvals ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.approvals_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.deployment_history ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.deployment_history_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.environment_history ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.environment_history_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.notes ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.notes_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.version_notes ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.version_notes_seq_seq'::regclass);
INSERT INTO tidewheel_asset.alembic_version VALUES ('0002');
INSERT INTO tidewheel_asset.approvals VALUES (1, 'SentBack@1', 'ask(head@shop)', '01M82GHDC15K9RBD', '["head@shop"]', 'average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed', '{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]}', 1795380789362644, 1795985589362644, 'approved', 1795380799929935, 'head@shop', 'seen');
INSERT INTO tidewheel_asset.approvals VALUES (2, 'SentBack@2', 'ask(head@shop)', '01M82GHGT1GW4G9P', '["head@shop"]', 'average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed', '{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]}', 1795380793510202, 1795985593510202, 'approved', 1795380800148931, 'head@shop', '');
INSERT INTO tidewheel_asset.approvals VALUES (3, 'SentBack@3', 'ask(head@shop)', '01M82GHMYHHSVK5Z', '["head@shop"]', 'average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed', '{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]}', 1795380797102270, 1795985597102270, 'rejected', 1795380800272566, 'head@shop', 'odd');
INSERT INTO tidewheel_asset.counters VALUES ('pointers', 5);
INSERT INTO tidewheel_asset.datasets VALUES ('064bc262c2369d885e00ab106ad69f286118493d53170fd34c4584500535ba9d', 'SentBack', '7c077b5736fe9e83', 774, 1795380786520594, '{"columns":["amount","category","customer.orders_30d","customer.spent_30d","customer.mean_90d","customer.returns_90d","customer.idle","over_mean"],"counts":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"log_head":1053,"tables":{"Customer":-1,"Order":0,"Return":0}}', 1795380789324413, '081d7d77218c93b04ae8e52676a7a81fb7252b159818b7a63291fc23223f4193');
INSERT INTO tidewheel_asset.deleted_versions VALUES ('SentBack', 3, 'rejected', 1795380801010454, 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (1, 'Screen', 1, 'deploy', 'null', '{"service":"Screen","revision":1,"service_version":"89e996cfbc64bf0b","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1795380801662547,"cause":"first","who":"ana"}', 1795380801662547, 'first', 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (2, 'Screen', 2, 'canary', '{"service":"Screen","revision":1,"service_version":"89e996cfbc64bf0b","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1795380801662547,"cause":"first","who":"ana"}', '{"service":"Screen","revision":2,"service_version":"89e996cfbc64bf0b","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"SentBack@2","challenger_service_version":"89e996cfbc64bf0b","share":0.1,"mode":"canary","salt":"SentBack@2/2","killed":false,"since":1795380802490006,"cause":"weekly","who":"ana"}', 1795380802490006, 'weekly', 'ana');
INSERT INTO tidewheel_asset.deployments VALUES ('Screen', 2, '89e996cfbc64bf0b', 'SentBack@1', '', '', 'SentBack@2', '89e996cfbc64bf0b', 0.1, 'canary', 'SentBack@2/2', false, 1795380802490006, 'weekly', 'ana');
INSERT INTO tidewheel_asset.environment_history VALUES (1, 'SentBack', 'production', 1, NULL, 1, 1795380800453702, 'first', 'ana');
INSERT INTO tidewheel_asset.environment_history VALUES (2, 'SentBack', 'staging', 1, NULL, 2, 1795380800618168, '', 'ana');
INSERT INTO tidewheel_asset.environments VALUES ('SentBack', 'production', 1, 1, 1795380800453702, 'first', 'ana');
INSERT INTO tidewheel_asset.environments VALUES ('SentBack', 'staging', 2, 1, 1795380800618168, '', 'ana');
INSERT INTO tidewheel_asset.graphs VALUES ('c8df91436cc702c5', '{"groups":[{"by":["Customer"],"doc":"What a customer did before. Computed once; the same in training, streaming and serving.","features":[{"name":"orders_30d","type":"FeatureColumn","value":{"hop":86400000000,"keys":[["customer"]],"op":"count","q":0.0,"source":"Order","type":"Aggregate","window":2592000000000}},{"name":"spent_30d","type":"FeatureColumn","value":{"hop":86400000000,"keys":[["customer"]],"op":"sum","q":0.0,"source":"Order","type":"Aggregate","value":{"path":["amount"],"type":"Col"},"window":2592000000000}},{"name":"mean_90d","type":"FeatureColumn","value":{"hop":432000000000,"keys":[["customer"]],"op":"mean","q":0.0,"source":"Order","type":"Aggregate","value":{"path":["amount"],"type":"Col"},"window":7776000000000}},{"name":"returns_90d","type":"FeatureColumn","value":{"hop":432000000000,"keys":[["order","customer"]],"op":"count","q":0.0,"source":"Return","type":"Aggregate","window":7776000000000}},{"name":"idle","type":"FeatureColumn","value":{"keys":[["customer"]],"op":"time_since_last","q":0.0,"source":"Order","type":"Aggregate"}}],"file":"project.py","line":40,"name":"CustomerHistory","type":"Group"}],"models":[{"doc":"The order is returned within two weeks.","estimator":"lightgbm.sklearn.LGBMClassifier(boosting_type=''gbdt'', class_weight=None, colsample_bytree=1.0, importance_type=''split'', learning_rate=0.1, max_depth=-1, min_child_samples=20, min_child_weight=0.001, min_split_gain=0.0, n_estimators=5, n_jobs=None, num_leaves=7, objective=None, random_state=None, reg_alpha=0.0, reg_lambda=0.0, subsample=1.0, subsample_for_bin=200000, subsample_freq=0, verbose=-1)","file":"project.py","gates":[{"kind":"at_least","metric":"roc_auc","type":"Gate","value":0.5},{"approvers":["head@shop"],"expires":604800000000,"kind":"ask","type":"Gate"}],"label":{"kind":"happened","path":["order"],"source":"Return","type":"Label","within":1209600000000},"line":59,"metrics":["average_precision","roc_auc"],"name":"SentBack","retrain":{"canary":0.1,"every":"weekly","margin":0.0,"metric":"average_precision","on_drift":0.0,"type":"Retrain","watch":604800000000},"search":"{\"learning_rate\":{\"high\":0.3,\"kind\":\"log\",\"low\":0.05}}","split":{"gap":1209600000000,"test":2592000000000,"type":"Split"},"trials":2,"type":"Model","view":"OrderView"}],"services":[{"deadline":20000,"doc":"Post an order, get ship / check.","explore":0.0,"fallback":[{"kind":"previous","model":"SentBack","type":"Fallback"},{"action":"ship","kind":"action","type":"Fallback"}],"file":"project.py","line":73,"model":"SentBack","name":"Screen","on":"Order","rule_view":null,"rules":[],"thresholds":[["ship",0.0],["check",0.5]],"type":"Service"}],"sources":[{"columns":[{"kind":"id","name":"id","type":"Column"}],"entity":true,"file":"project.py","line":20,"name":"Customer","type":"Source"},{"columns":[{"kind":"id","name":"id","type":"Column"},{"kind":"ref","name":"customer","target":"Customer","type":"Column"},{"kind":"category","name":"category","type":"Column"},{"kind":"float","name":"amount","type":"Column"}],"doc":"An order, as the shop took it.","file":"project.py","line":24,"name":"Order","type":"Source"},{"columns":[{"kind":"id","name":"id","type":"Column"},{"kind":"ref","name":"order","target":"Order","type":"Column"}],"doc":"The customer sent an order back; comes days later.","file":"project.py","line":33,"name":"Return","type":"Source"}],"type":"Graph","views":[{"columns":[{"name":"amount","type":"ViewColumn","value":{"path":["amount"],"type":"Col"}},{"name":"category","text":true,"type":"ViewColumn","value":{"path":["category"],"type":"Col"}},{"name":"customer.orders_30d","type":"ViewColumn","value":{"alias":"customer","name":"orders_30d","type":"Feature"}},{"name":"customer.spent_30d","type":"ViewColumn","value":{"alias":"customer","name":"spent_30d","type":"Feature"}},{"name":"customer.mean_90d","type":"ViewColumn","value":{"alias":"customer","name":"mean_90d","type":"Feature"}},{"name":"customer.returns_90d","type":"ViewColumn","value":{"alias":"customer","name":"returns_90d","type":"Feature"}},{"name":"customer.idle","type":"ViewColumn","value":{"alias":"customer","name":"idle","type":"Feature"}},{"name":"over_mean","type":"ViewColumn","value":{"args":[{"path":["amount"],"type":"Col"},{"alias":"customer","name":"mean_90d","type":"Feature"}],"op":"div","type":"Call"}}],"doc":"What the model sees of one order.","file":"project.py","line":50,"lookups":[{"alias":"customer","group":"CustomerHistory","keys":[["customer"]],"type":"Lookup"}],"name":"OrderView","on":"Order","type":"View"}]}', 1795380783465453);
INSERT INTO tidewheel_asset.groups VALUES ('ff606852c5748734', 'CustomerHistory', 'c8df91436cc702c5', 'live', 1795380783490950);
INSERT INTO tidewheel_asset.jobs VALUES ('canary Screen', '{"every":"daily","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795380803435848);
INSERT INTO tidewheel_asset.jobs VALUES ('tidy', '{"every":"daily","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795380803463344);
INSERT INTO tidewheel_asset.jobs VALUES ('upkeep of the lake', '{"every":"daily","at":"03:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795380803480445);
INSERT INTO tidewheel_asset.jobs VALUES ('drift Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":172800000000,"cron":"","missed":"latest"}', 1795380803492459);
INSERT INTO tidewheel_asset.jobs VALUES ('retrain SentBack', '{"every":"weekly","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795380803500690);
INSERT INTO tidewheel_asset.jobs VALUES ('rollout Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":60000000,"cron":"","missed":"latest"}', 1795380803510996);
INSERT INTO tidewheel_asset.jobs VALUES ('parity Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":3600000000,"cron":"","missed":"latest"}', 1795380803514556);
INSERT INTO tidewheel_asset.live_graphs VALUES (1, 'c8df91436cc702c5', 1795380783470200, 'ana');
INSERT INTO tidewheel_asset.notes VALUES (1, 'definitions.live', 'c8df91436cc702c5', '{"revision":1}', 1795380783470200, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (2, 'run.done', 'SentBack', '{"error":"","run":"01M82GHDC15K9RBD"}', 1795380789362644, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (3, 'approval.asked', 'SentBack@1', '{"approvers":["head@shop"],"expires":1795985589362644,"gate":"ask(head@shop)"}', 1795380789362644, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (4, 'version.registered', 'SentBack', '{"bundle":"3c17a3af53f6841eb89a79c0d42c361776f5546707634fbe0713e46404849ac2","passed":false,"run":"01M82GHDC15K9RBD","version":"SentBack@1"}', 1795380789362644, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (5, 'run.done', 'SentBack', '{"error":"","run":"01M82GHGT1GW4G9P"}', 1795380793510202, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (6, 'approval.asked', 'SentBack@2', '{"approvers":["head@shop"],"expires":1795985593510202,"gate":"ask(head@shop)"}', 1795380793510202, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (7, 'version.registered', 'SentBack', '{"bundle":"4aa28a2d8a6a3d50b920c91efc2779950bbb27c29ee41f488f7c068e92517845","passed":false,"run":"01M82GHGT1GW4G9P","version":"SentBack@2"}', 1795380793510202, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (8, 'run.done', 'SentBack', '{"error":"","run":"01M82GHMYHHSVK5Z"}', 1795380797102270, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (9, 'approval.asked', 'SentBack@3', '{"approvers":["head@shop"],"expires":1795985597102270,"gate":"ask(head@shop)"}', 1795380797102270, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (10, 'version.registered', 'SentBack', '{"bundle":"72ac81b39e7a9a0a9bef7cb073fd583150c1165bb0f8e48fe1ac29e48435bdba","passed":false,"run":"01M82GHMYHHSVK5Z","version":"SentBack@3"}', 1795380797102270, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (11, 'run.failed', 'SentBack', '{"error":"data: SentBack: none of 0 Order rows can be trained on: there are none","run":"01M82GHRR117TQ18"}', 1795380799605793, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (12, 'approval.approved', 'SentBack@1', '{"gate":"ask(head@shop)","note":"seen","who":"head@shop"}', 1795380799929935, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (13, 'approval.approved', 'SentBack@2', '{"gate":"ask(head@shop)","note":"","who":"head@shop"}', 1795380800148931, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (14, 'approval.rejected', 'SentBack@3', '{"gate":"ask(head@shop)","note":"odd","who":"head@shop"}', 1795380800272566, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (15, 'environment.moved', 'SentBack', '{"after":1,"before":null,"environment":"production","model":"SentBack","revision":1,"who":"ana","why":"first"}', 1795380800453702, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (16, 'environment.moved', 'SentBack', '{"after":2,"before":null,"environment":"staging","model":"SentBack","revision":1,"who":"ana","why":""}', 1795380800618168, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (17, 'version.tagged', 'SentBack', '{"removed":[],"tags":{"team":"returns"},"version":"SentBack@2","who":"ana"}', 1795380800761737, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (18, 'version.deleted', 'SentBack', '{"version":"SentBack@3","who":"ana","why":"rejected"}', 1795380801010454, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (19, 'deployment.deploy', 'Screen', '{"action":"deploy","cause":"first","challenger":"","champion":"SentBack@1","killed":false,"revision":1,"service_version":"89e996cfbc64bf0b","share":0.0,"who":"ana"}', 1795380801662547, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (20, 'deployment.canary', 'Screen', '{"action":"canary","cause":"weekly","challenger":"SentBack@2","champion":"SentBack@1","killed":false,"revision":2,"service_version":"89e996cfbc64bf0b","share":0.1,"who":"ana"}', 1795380802490006, 1795380803533003);
INSERT INTO tidewheel_asset.notes VALUES (21, 'thresholds.set', 'Screen', '{"cause":"queue","levels":{"check":0.4},"version":1,"who":"ana"}', 1795380802889743, 1795380803533003);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'test', 'average_precision', 0.28369387444553745, 0.17398810212196963, 0.4509077560758463);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'test', 'roc_auc', 0.6357458912768648, 0.5087283749166579, 0.7459772372179219);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'train', 'average_precision', 0.4942694313003973, 0.4058955337128713, 0.5905154591603298);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'train', 'roc_auc', 0.8130121156943764, 0.7697239226266562, 0.8528451809817049);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'test', 'calibration_error', 0.034620594053112005, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHDC15K9RBD', 'test', 'brier', 0.15663413160720682, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'test', 'average_precision', 0.29849210759296263, 0.20634578768996356, 0.48314509109768494);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'test', 'roc_auc', 0.650126422250316, 0.5622998057362464, 0.7557748538011696);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'train', 'average_precision', 0.5011932367962988, 0.4080490619476356, 0.5882337425745102);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'train', 'roc_auc', 0.8171878282792913, 0.7738324063288281, 0.8537468833212596);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'test', 'calibration_error', 0.03547698505607698, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'test', 'brier', 0.15511107497270638, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'previous', 'average_precision', 0.28369387444553745, 0.19473940265702475, 0.4316487215371791);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHGT1GW4G9P', 'previous', 'roc_auc', 0.6357458912768648, 0.5246695408172392, 0.7372801724137932);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'test', 'average_precision', 0.2710254130874063, 0.1876611357149997, 0.41799994575609506);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'test', 'roc_auc', 0.6425410872313527, 0.5435406781117988, 0.725126843966767);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'train', 'average_precision', 0.4873394090994667, 0.4146111258560883, 0.5810626956365869);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'train', 'roc_auc', 0.8051509209328385, 0.7697016247266444, 0.8492473486682305);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'test', 'calibration_error', 0.04094089062853087, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'test', 'brier', 0.155818048315581, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'previous', 'average_precision', 0.29849210759296263, 0.21195812886779317, 0.4552258086695424);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82GHMYHHSVK5Z', 'previous', 'roc_auc', 0.650126422250316, 0.5296625344352618, 0.7648995703041336);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 1, 'validate', 1795380786584003, 0.7493125410001085, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 2, 'data', 1795380787352935, 0.7105209239998658, '900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', 'b96a9620c935ec992f1346fce2d622d04c94a60d3e312bbb015337a84501c09b', '9c4ff471daabdb7a50c93db141c1a992f92d9a24b5fbf3a77f555a56bb965d6f', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 3, 'split', 1795380788085789, 0.013832380999929228, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 4, 'tune', 1795380788193831, 0.2114989979997972, '2 trials; chosen {''learning_rate'': 0.13366875980837895}', 'b95b54d54fff4ae1236fde9ee4aa7d02f97b9f9b860a854d29fbcdcf08573698', 'a0acdd1bb9b90488c82b4bce5ef274bb3ee2abd2916351a244aad985af9a150a', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 5, 'fit', 1795380788390488, 0.11596673299982285, 'fitted in 0.0 s', '8d80e390e350c22dc5fe2e4e0a871eda276b0809ea5ae5ab2c695ba9006a2d0f', 'ce5139a694992baeae88392fdb08aa6d4f38936a5942b3b4ab103d1186e62701', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 6, 'evaluate', 1795380788514906, 0.07274620999987746, 'average_precision 0.2837, roc_auc 0.6357', '2af9a5009b6df8c85af2b1701b5d848332a29a957a09a12ea7c22cd7756c81f4', 'a8830984d528184da5e4c8d069d308947e01c6dfb35b75cd76fae0592189b3ff', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 7, 'gates', 1795380788589081, 0.07492161000004671, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 8, 'register', 1795380788693808, 0.6950729089999186, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 1, 'validate', 1795380790131123, 0.9898756620000313, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 2, 'data', 1795380791122082, 0.015830720999929326, 'reused from run 01M82GHDC15K9RBD of 2026-11-22 20:53 UTC: same definitions, same labels, same history up to offset 1053; 900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', 'b96a9620c935ec992f1346fce2d622d04c94a60d3e312bbb015337a84501c09b', '9c4ff471daabdb7a50c93db141c1a992f92d9a24b5fbf3a77f555a56bb965d6f', '01M82GHDC15K9RBD', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 3, 'split', 1795380791146480, 0.022487158999865642, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 4, 'tune', 1795380791245863, 0.33104247999995096, '2 trials; chosen {''learning_rate'': 0.10555436531487483}', '300f5d41278d69b4502a2100dc8889f4e35a9f0847410e39c758f63886f2890a', '3ec82c571d4217095a452da566259f1c736c43fc1bae60a7a92780ecb1c1d24b', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 5, 'fit', 1795380791574434, 0.10544570599995495, 'fitted in 0.0 s', '00e0b5abb150c36faedce7a457dac9345f7105b30e1ea185919af0f872e331cf', 'a9abebf5bccd470101f07b0bc40db63f30f3591054b47fde6dc96fb13e5b72c7', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 6, 'evaluate', 1795380791688603, 0.16466760999992403, 'average_precision 0.2985, roc_auc 0.6501', 'c94e8b0ba5ecce99e20e5aa21153c03f6ed08c3aa815def7bf73662481b0bc4a', 'df2e65d96b70b5f5c8704e146879212a32d8a9d1303102899796909b0f873b61', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 7, 'gates', 1795380791876760, 0.9040125139999873, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 8, 'register', 1795380792786802, 0.7522945289999825, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 1, 'validate', 1795380794360315, 0.7692142539999622, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 2, 'data', 1795380795147130, 0.03616743399993538, 'reused from run 01M82GHGT1GW4G9P of 2026-11-22 20:53 UTC: same definitions, same labels, same history up to offset 1053; 900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', 'b96a9620c935ec992f1346fce2d622d04c94a60d3e312bbb015337a84501c09b', '9c4ff471daabdb7a50c93db141c1a992f92d9a24b5fbf3a77f555a56bb965d6f', '01M82GHGT1GW4G9P', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 3, 'split', 1795380795205832, 0.035115354000026855, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 4, 'tune', 1795380795272889, 0.15340496099997836, '2 trials; chosen {''learning_rate'': 0.10920436116002988}', '518b296e5ee068e9a963f143a1f586d0bef0b8bbf3a59462b23cc2f86a6e058f', '6b5926ce39bfe54aef31e2f2f88115f5054cc666bfb894b920e790a1e22df172', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 5, 'fit', 1795380795437901, 0.11965023700008715, 'fitted in 0.0 s', '6bc60353185f332b787455e475f574937a6a8496d0db192588dd3f410a37df5d', '741b0c437796858a8a8273215f009d795ed1704542e622155c4145e30e4c6186', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 6, 'evaluate', 1795380795579166, 0.06769362400018508, 'average_precision 0.271, roc_auc 0.6425', 'e3b5ff83e8c17743743cfe4e27bcea4e912921221ee0224351aba1f5893466e1', '8ec95a7185339ff2ba7e464591d226cd53c20d1feab3685ae7009c16ecd93797', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 7, 'gates', 1795380795666170, 0.6989717880001081, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 8, 'register', 1795380796385794, 0.7851024909998614, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHRR117TQ18', 1, 'validate', 1795380798262358, 1.1432938999998896, '0 rows, 0 decided, 0 labelled', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHRR117TQ18', 2, 'data', 1795380799453793, 0.07293683500006409, '', 'b5493a7e1d84b810d5d8611ce5e8a5a07a1bc8de4f1c9d8969a1188e01177449', '', '', 'failed', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHDC15K9RBD', 9, 'approve', 1795380789362644, 10.567291, 'ask(head@shop) approved by head@shop', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHGT1GW4G9P', 9, 'approve', 1795380793510202, 6.638729, 'ask(head@shop) approved by head@shop', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82GHMYHHSVK5Z', 9, 'approve', 1795380797102270, 3.170296, 'ask(head@shop) rejected by head@shop', '', '', '', 'failed', 1);
INSERT INTO tidewheel_asset.runs VALUES ('01M82GHDC15K9RBD', 'SentBack', 'done', 1795380786561085, 1795380789362644, '', 'ana', '', '{"chosen":{"learning_rate":0.13366875980837895},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.13366875980837895,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":0,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":0,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795380786520594,"commit":"","dataset":"064bc262c2369d885e00ab106ad69f286118493d53170fd34c4584500535ba9d","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":0,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.711,"evaluate":0.073,"fit":0.116,"gates":0.075,"split":0.014,"tune":0.211,"validate":0.749}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6357 [0.5087, 0.746] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6357458912768648},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"3c17a3af53f6841eb89a79c0d42c361776f5546707634fbe0713e46404849ac2","calibration":"6c7c5d28cd84e0bd41dc9cd0218ba947e9b7885f55983308b067af273e5b2a6d","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"1cf1552b977be6523f26f61ddc95a995dc986b990edbae3063ee636c82bc3a17","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"d81883b25a5760d1401a720c3124e33d031579b0e5b5206323dbb232f458e82a","importance":"3fef13e70952a5014c49487be96c8efa34bbfec1b0e1321d83f6c4c00d010f8a","model.txt":"7d5555dbe9ab9f8690023c0c2737344c1b11b83714cf08b5020ce4ecb5d8d08f","predictions":"f543f33cdeebe05e335d470289c080264eff479626f5676a69b47c3f39fd0974","trials":"4a5b3c1ae259abeab7fe2a4824d65d8a57d3c23053eac61b78f975cfb7463df9","tuning":"a5f23a488cafb3ac11784ae5b156e8ac8ca94f9a3188be137f138a1fb0df646c"}', '', 'be4a290d7d834ccac29f766dab10408f6045ffc982c4fba2891dacab4bc3969a', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 27449 164149', 1795380786561158);
INSERT INTO tidewheel_asset.runs VALUES ('01M82GHGT1GW4G9P', 'SentBack', 'done', 1795380790081733, 1795380793510202, '', 'ana', '', '{"chosen":{"learning_rate":0.10555436531487483},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.10555436531487483,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":1,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":1,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795380789991822,"commit":"","dataset":"064bc262c2369d885e00ab106ad69f286118493d53170fd34c4584500535ba9d","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":1,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.016,"evaluate":0.165,"fit":0.105,"gates":0.904,"split":0.022,"tune":0.331,"validate":0.99}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6501 [0.5623, 0.7558] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.650126422250316},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"4aa28a2d8a6a3d50b920c91efc2779950bbb27c29ee41f488f7c068e92517845","calibration":"f3113177140f624038688d86e34b8662f8e2f228d4e3e5b396634ed88da2bee6","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"db4179b6ec7b9e451482189f10731278b6f53b616d00d8802d8ad2b09aa0de1c","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"ec1f3c918fe4621d39406b94301578f45173b2f04ec1f4093795cee7fe3a463f","importance":"1f4bf5164d7536a02dd7df8ccf0a6aa971d7f7dceaefdba92e9566be1dbaf776","model.txt":"544f7f9a0f1b59c8ee9d09397f7535a6e548e7d11c2e88c8f2c11ca19fb05889","predictions":"6ed24d1bb0d6db352a5cbcbea648c52843a3d6cf45a0bea938dd45391861cab5","trials":"735784d8ea9cab90f3290e081a997644be1ff3ecebc59e11442d32195578df7a","tuning":"29849b799c320aac0f92eab0752766327ad05a1419de0c26f488b01c7a976e46"}', '', '843f693f3b233910f3cbeceb9a4f9210879215b94d470f8fab4f39096d4da2de', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 27449 164149', 1795380790081851);
INSERT INTO tidewheel_asset.runs VALUES ('01M82GHMYHHSVK5Z', 'SentBack', 'done', 1795380794321618, 1795380797102270, '', 'ana', '', '{"chosen":{"learning_rate":0.10920436116002988},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.10920436116002988,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":2,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":2,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795380794264536,"commit":"","dataset":"064bc262c2369d885e00ab106ad69f286118493d53170fd34c4584500535ba9d","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":2,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.036,"evaluate":0.068,"fit":0.12,"gates":0.699,"split":0.035,"tune":0.153,"validate":0.769}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6425 [0.5435, 0.7251] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6425410872313527},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"72ac81b39e7a9a0a9bef7cb073fd583150c1165bb0f8e48fe1ac29e48435bdba","calibration":"f963129ed59be74ff131b6fc7b6df3a77eba355a83be03851909c246c084bf5f","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"11a9a3865d32c1136a9318d30174f6dc6a534588e77665920b129c949abd7a1e","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"6d08b47e62b3f8ef1d3eb053e74450b1263fd538c34fc803b0f55950a2d63191","importance":"3ec957ed5e6cd3f9ce9e6a8fb62513370465023b94fc09c1a46b2aace4aade58","model.txt":"52d238cea291d81b9bf54e9f764496a814cd0da2983dc464ed22e14fd5968ab5","predictions":"02b23027008fb0ffda166908440b0c70b9c33d7ced03b9bb25e7161ebb9fad24","trials":"432266e1ef98b2616676a642b1013802b7e4b07c10626952795d578a36df158c","tuning":"176777bb1ac5b64bcae42830c850aa339f842df50e9ed837e37dafc4e8505296"}', '', 'b56cfe70a0e74e761b19745ea29ea51086ae40001d297d1203b056e513498791', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 27449 164149', 1795380794321705);
INSERT INTO tidewheel_asset.runs VALUES ('01M82GHRR117TQ18', 'SentBack', 'failed', 1795380798209756, 1795380799605793, '', 'ana', '', '{"as_of":978307200000000,"head":1053,"parents":{},"seed":0}', '{"as_of":0,"commit":"","dataset":"","definitions":{},"dirty_patch":"","libraries":{},"log_head":0,"parents":{},"rows":{},"seed":0,"tables":{},"timings":{}}', '[]', '{}', 'data: SentBack: none of 0 Order rows can be trained on: there are none', 'a2b3db89d76994fccc92790a955d749383079de7e6216f332ef4ae0b30fc03e6', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 27449 164149', 1795380798209822);
INSERT INTO tidewheel_asset.service_versions VALUES ('89e996cfbc64bf0b', 'Screen', '{"deadline":20000,"doc":"Post an order, get ship / check.","explore":0.0,"fallback":[{"kind":"previous","model":"SentBack","type":"Fallback"},{"action":"ship","kind":"action","type":"Fallback"}],"file":"project.py","line":73,"model":"SentBack","name":"Screen","on":"Order","rule_view":null,"rules":[],"thresholds":[["ship",0.0],["check",0.5]],"type":"Service"}', 'c8df91436cc702c5', 1795380801589710);
INSERT INTO tidewheel_asset.thresholds VALUES ('Screen', 1, '{"check":0.4}', 1795380802889743, 'queue', 'ana');
INSERT INTO tidewheel_asset.trials VALUES ('01M82GHDC15K9RBD', 0, 'cce2db1ad2500153ce07417bb0a50b75a7a3da8ead7ab50beeb162a4d4b794e1', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.04366835599989827, 1795380788282860);
INSERT INTO tidewheel_asset.trials VALUES ('01M82GHDC15K9RBD', 1, 'cce2db1ad2500153ce07417bb0a50b75a7a3da8ead7ab50beeb162a4d4b794e1', 'complete', '{"learning_rate":0.13366875980837895}', '[]', '', 0.2720084482775403, 0.06101060600008168, 1795380788364181);
INSERT INTO tidewheel_asset.trials VALUES ('01M82GHGT1GW4G9P', 0, 'a9db6a546f112cc9e959d2628e67fb7ceff44da588b78367499c404c429a656d', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.08797767199985174, 1795380791378481);
INSERT INTO tidewheel_asset.trials VALUES ('01M82GHGT1GW4G9P', 1, 'a9db6a546f112cc9e959d2628e67fb7ceff44da588b78367499c404c429a656d', 'complete', '{"learning_rate":0.10555436531487483}', '[]', '', 0.28662899767745026, 0.07869828799994139, 1795380791517203);
INSERT INTO tidewheel_asset.trials VALUES ('01M82GHMYHHSVK5Z', 0, 'd2ffd1f3e2df03c130117971749011ee6d779dbe396e862376c754dd1f51b445', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.03235489600001529, 1795380795332319);
INSERT INTO tidewheel_asset.trials VALUES ('01M82GHMYHHSVK5Z', 1, 'd2ffd1f3e2df03c130117971749011ee6d779dbe396e862376c754dd1f51b445', 'complete', '{"learning_rate":0.10920436116002988}', '[]', '', 0.28662899767745026, 0.02204298700007712, 1795380795372747);
INSERT INTO tidewheel_asset.version_notes VALUES (1, 'SentBack', 2, 'shoes-look-better', 1795380800897676, 'ana');
INSERT INTO tidewheel_asset.version_tags VALUES ('SentBack', 2, 'team', 'returns', 1795380800761737, 'ana');
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 1, '01M82GHDC15K9RBD', '3c17a3af53f6841eb89a79c0d42c361776f5546707634fbe0713e46404849ac2', '7c077b5736fe9e83', '11dd45c77f927d57', '[{"high":0.4509077560758463,"low":0.17398810212196963,"metric":"average_precision","split":"test","value":0.28369387444553745},{"high":0.7459772372179219,"low":0.5087283749166579,"metric":"roc_auc","split":"test","value":0.6357458912768648},{"high":0.5905154591603298,"low":0.4058955337128713,"metric":"average_precision","split":"train","value":0.4942694313003973},{"high":0.8528451809817049,"low":0.7697239226266562,"metric":"roc_auc","split":"train","value":0.8130121156943764},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.034620594053112005},{"high":null,"low":null,"metric":"brier","split":"test","value":0.15663413160720682}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6357 [0.5087, 0.746] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6357458912768648},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795380789362644);
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 2, '01M82GHGT1GW4G9P', '4aa28a2d8a6a3d50b920c91efc2779950bbb27c29ee41f488f7c068e92517845', '78caa17fc688ec26', '11dd45c77f927d57', '[{"high":0.48314509109768494,"low":0.20634578768996356,"metric":"average_precision","split":"test","value":0.29849210759296263},{"high":0.7557748538011696,"low":0.5622998057362464,"metric":"roc_auc","split":"test","value":0.650126422250316},{"high":0.5882337425745102,"low":0.4080490619476356,"metric":"average_precision","split":"train","value":0.5011932367962988},{"high":0.8537468833212596,"low":0.7738324063288281,"metric":"roc_auc","split":"train","value":0.8171878282792913},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.03547698505607698},{"high":null,"low":null,"metric":"brier","split":"test","value":0.15511107497270638},{"high":0.4316487215371791,"low":0.19473940265702475,"metric":"average_precision","split":"previous","value":0.28369387444553745},{"high":0.7372801724137932,"low":0.5246695408172392,"metric":"roc_auc","split":"previous","value":0.6357458912768648}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6501 [0.5623, 0.7558] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.650126422250316},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795380793510202);
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 3, '01M82GHMYHHSVK5Z', '72ac81b39e7a9a0a9bef7cb073fd583150c1165bb0f8e48fe1ac29e48435bdba', '78caa17fc688ec26', '11dd45c77f927d57', '[{"high":0.41799994575609506,"low":0.1876611357149997,"metric":"average_precision","split":"test","value":0.2710254130874063},{"high":0.725126843966767,"low":0.5435406781117988,"metric":"roc_auc","split":"test","value":0.6425410872313527},{"high":0.5810626956365869,"low":0.4146111258560883,"metric":"average_precision","split":"train","value":0.4873394090994667},{"high":0.8492473486682305,"low":0.7697016247266444,"metric":"roc_auc","split":"train","value":0.8051509209328385},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.04094089062853087},{"high":null,"low":null,"metric":"brier","split":"test","value":0.155818048315581},{"high":0.4552258086695424,"low":0.21195812886779317,"metric":"average_precision","split":"previous","value":0.29849210759296263},{"high":0.7648995703041336,"low":0.5296625344352618,"metric":"roc_auc","split":"previous","value":0.650126422250316}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6425 [0.5435, 0.7251] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6425410872313527},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795380797102270);
SELECT pg_catalog.setval('tidewheel_asset.alerts_seq_seq', 1, false);
SELECT pg_catalog.setval('tidewheel_asset.approvals_seq_seq', 3, true);
SELECT pg_catalog.setval('tidewheel_asset.deployment_history_seq_seq', 2, true);
SELECT pg_catalog.setval('tidewheel_asset.environment_history_seq_seq', 2, true);
SELECT pg_catalog.setval('tidewheel_asset.notes_seq_seq', 21, true);
SELECT pg_catalog.setval('tidewheel_asset.version_notes_seq_seq', 1, true);
ALTER TABLE ONLY tidewheel_asset.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY tidewheel_asset.alerts
    ADD CONSTRAINT pk_alerts PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.approvals
    ADD CONSTRAINT pk_approvals PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.counters
    ADD CONSTRAINT pk_counters PRIMARY KEY (topic);
ALTER TABLE ONLY tidewheel_asset.datasets
    ADD CONSTRAINT pk_datasets PRIMARY KEY (digest);
ALTER TABLE ONLY tidewheel_asset.deleted_versions
    ADD CONSTRAINT pk_deleted_versions PRIMARY KEY (model, number);
ALTER TABLE ONLY tidewheel_asset.deployment_history
    ADD CONSTRAINT pk_deployment_history PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.deployments
    ADD CONSTRAINT pk_deployments PRIMARY KEY (service);
ALTER TABLE ONLY tidewheel_asset.environment_history
    ADD CONSTRAINT pk_environment_history PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.environments
    ADD CONSTRAINT pk_environments PRIMARY KEY (model, environment);
ALTER TABLE ONLY tidewheel_asset.graphs
    ADD CONSTRAINT pk_graphs PRIMARY KEY (digest);
ALTER TABLE ONLY tidewheel_asset.groups
    ADD CONSTRAINT pk_groups PRIMARY KEY (state_id);
ALTER TABLE ONLY tidewheel_asset.job_runs
    ADD CONSTRAINT pk_job_runs PRIMARY KEY (job, due);
ALTER TABLE ONLY tidewheel_asset.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (name);
ALTER TABLE ONLY tidewheel_asset.live_graphs
    ADD CONSTRAINT pk_live_graphs PRIMARY KEY (revision);
ALTER TABLE ONLY tidewheel_asset.notes
    ADD CONSTRAINT pk_notes PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.run_metrics
    ADD CONSTRAINT pk_run_metrics PRIMARY KEY (run, split, metric);
ALTER TABLE ONLY tidewheel_asset.run_steps
    ADD CONSTRAINT pk_run_steps PRIMARY KEY (run, seq);
ALTER TABLE ONLY tidewheel_asset.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (id);
ALTER TABLE ONLY tidewheel_asset.service_versions
    ADD CONSTRAINT pk_service_versions PRIMARY KEY (digest);
ALTER TABLE ONLY tidewheel_asset.thresholds
    ADD CONSTRAINT pk_thresholds PRIMARY KEY (service, version);
ALTER TABLE ONLY tidewheel_asset.trials
    ADD CONSTRAINT pk_trials PRIMARY KEY (run, number);
ALTER TABLE ONLY tidewheel_asset.version_notes
    ADD CONSTRAINT pk_version_notes PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.version_tags
    ADD CONSTRAINT pk_version_tags PRIMARY KEY (model, number, tag);
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT pk_versions PRIMARY KEY (model, number);
ALTER TABLE ONLY tidewheel_asset.approvals
    ADD CONSTRAINT uq_approvals_version_gate UNIQUE (version, gate);
ALTER TABLE ONLY tidewheel_asset.deployment_history
    ADD CONSTRAINT uq_deployment_history_service_revision UNIQUE (service, revision);
ALTER TABLE ONLY tidewheel_asset.environment_history
    ADD CONSTRAINT uq_environment_history_model_environment_revision UNIQUE (model, environment, revision);
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT uq_versions_run UNIQUE (run);
CREATE INDEX ix_alerts_service_closed ON tidewheel_asset.alerts USING btree (service, closed);
CREATE INDEX ix_notes_sent_seq ON tidewheel_asset.notes USING btree (sent, seq);
CREATE INDEX ix_notes_subject_seq ON tidewheel_asset.notes USING btree (subject, seq);
CREATE INDEX ix_run_steps_key ON tidewheel_asset.run_steps USING btree (key);
CREATE INDEX ix_runs_key ON tidewheel_asset.runs USING btree (key);
CREATE INDEX ix_runs_model_started ON tidewheel_asset.runs USING btree (model, started);
CREATE INDEX ix_service_versions_service ON tidewheel_asset.service_versions USING btree (service);
CREATE INDEX ix_trials_search ON tidewheel_asset.trials USING btree (search);
CREATE INDEX ix_version_notes_model_number ON tidewheel_asset.version_notes USING btree (model, number);
CREATE INDEX ix_versions_bundle ON tidewheel_asset.versions USING btree (bundle);
ALTER TABLE ONLY tidewheel_asset.deployments
    ADD CONSTRAINT fk_deployments_service_version FOREIGN KEY (service_version) REFERENCES tidewheel_asset.service_versions(digest);
ALTER TABLE ONLY tidewheel_asset.groups
    ADD CONSTRAINT fk_groups_graph FOREIGN KEY (graph) REFERENCES tidewheel_asset.graphs(digest);
ALTER TABLE ONLY tidewheel_asset.job_runs
    ADD CONSTRAINT fk_job_runs_job FOREIGN KEY (job) REFERENCES tidewheel_asset.jobs(name);
ALTER TABLE ONLY tidewheel_asset.live_graphs
    ADD CONSTRAINT fk_live_graphs_digest FOREIGN KEY (digest) REFERENCES tidewheel_asset.graphs(digest);
ALTER TABLE ONLY tidewheel_asset.run_metrics
    ADD CONSTRAINT fk_run_metrics_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
ALTER TABLE ONLY tidewheel_asset.run_steps
    ADD CONSTRAINT fk_run_steps_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
ALTER TABLE ONLY tidewheel_asset.service_versions
    ADD CONSTRAINT fk_service_versions_graph FOREIGN KEY (graph) REFERENCES tidewheel_asset.graphs(digest);
ALTER TABLE ONLY tidewheel_asset.trials
    ADD CONSTRAINT fk_trials_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT fk_versions_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
