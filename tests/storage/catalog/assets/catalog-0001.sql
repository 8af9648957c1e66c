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
    created bigint NOT NULL
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
    detail text NOT NULL
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
    detail text NOT NULL
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
    error text NOT NULL
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
ALTER TABLE ONLY tidewheel_asset.deployment_history ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.deployment_history_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.notes ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.notes_seq_seq'::regclass);
INSERT INTO tidewheel_asset.alembic_version VALUES ('0001');
INSERT INTO tidewheel_asset.alerts VALUES (1, 'Score', 'drift', 'amount', 'amount moved', '{"psi":0.4}', 1760000000000000, 1760000000000000, 1, NULL);
INSERT INTO tidewheel_asset.counters VALUES ('pointers', 3);
INSERT INTO tidewheel_asset.datasets VALUES ('dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'Fraud', 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', 1200, 1760000000000000, '{"columns":["amount"]}', 1760000000000000);
INSERT INTO tidewheel_asset.deployment_history VALUES (1, 'Score', 1, 'deploy', 'null', '{"service":"Score","revision":1,"service_version":"01c653324f4c10e5","champion":"Fraud@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1760000000000000,"cause":"first","who":"ana"}', 1760000000000000, 'first', 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (2, 'Score', 2, 'canary', '{"service":"Score","revision":1,"service_version":"01c653324f4c10e5","champion":"Fraud@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1760000000000000,"cause":"first","who":"ana"}', '{"service":"Score","revision":2,"service_version":"01c653324f4c10e5","champion":"Fraud@1","previous":"","previous_service_version":"","challenger":"Fraud@2","challenger_service_version":"01c653324f4c10e5","share":0.1,"mode":"canary","salt":"Fraud@2/2","killed":false,"since":1760000000000000,"cause":"weekly","who":"loop"}', 1760000000000000, 'weekly', 'loop');
INSERT INTO tidewheel_asset.deployments VALUES ('Score', 2, '01c653324f4c10e5', 'Fraud@1', '', '', 'Fraud@2', '01c653324f4c10e5', 0.1, 'canary', 'Fraud@2/2', false, 1760000000000000, 'weekly', 'loop');
INSERT INTO tidewheel_asset.graphs VALUES ('53d5e3feaa9cc00b', '{"type":"Graph"}', 1760000000000000);
INSERT INTO tidewheel_asset.job_runs VALUES ('retrain Fraud', 1760000000000000, 'done', 1, 'keeper 1 #1', 1760000000000000, 1760000000000000, 'a challenger runs as canary');
INSERT INTO tidewheel_asset.jobs VALUES ('retrain Fraud', '{"every":"weekly","at":"02:00","tz":"UTC","weekday":0,"day":1,"interval":0}', 1760000000000000);
INSERT INTO tidewheel_asset.notes VALUES (1, 'run.done', 'Fraud', '{"error":"","run":"01K742SG00NPBYBD"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (2, 'version.registered', 'Fraud', '{"bundle":"1111111111111111111111111111111111111111111111111111111111111111","passed":true,"run":"01K742SG00NPBYBD","version":"Fraud@1"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (3, 'run.done', 'Fraud', '{"error":"","run":"01K742SG00S88EF1"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (4, 'version.registered', 'Fraud', '{"bundle":"2222222222222222222222222222222222222222222222222222222222222222","passed":true,"run":"01K742SG00S88EF1","version":"Fraud@2"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (5, 'run.failed', 'Fraud', '{"error":"data: none of 3 rows can be trained on","run":"01K742SG005JS3QH"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (6, 'deployment.deploy', 'Score', '{"action":"deploy","cause":"first","challenger":"","champion":"Fraud@1","killed":false,"revision":1,"service_version":"01c653324f4c10e5","share":0.0,"who":"ana"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (7, 'deployment.canary', 'Score', '{"action":"canary","cause":"weekly","challenger":"Fraud@2","champion":"Fraud@1","killed":false,"revision":2,"service_version":"01c653324f4c10e5","share":0.1,"who":"loop"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (8, 'thresholds.set', 'Score', '{"cause":"fewer blocks","levels":{"block":0.8},"version":1,"who":"ana"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (9, 'job.done', 'retrain Fraud', '{"detail":"a challenger runs as canary","due":1760000000000000}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.notes VALUES (10, 'alert.drift', 'Score', '{"detail":{"psi":0.4},"kind":"drift","message":"amount moved","subject":"amount"}', 1760000000000000, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01K742SG00NPBYBD', 'test', 'average_precision', 0.61, 0.55, 0.66);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01K742SG00NPBYBD', 'baseline', 'average_precision', 0.02, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01K742SG00S88EF1', 'test', 'average_precision', 0.61, 0.55, 0.66);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01K742SG00S88EF1', 'baseline', 'average_precision', 0.02, NULL, NULL);
INSERT INTO tidewheel_asset.run_steps VALUES ('01K742SG00NPBYBD', 1, 'data', 1760000000000000, 1.5, '1200 rows');
INSERT INTO tidewheel_asset.run_steps VALUES ('01K742SG00NPBYBD', 2, 'learn', 1760000000000000, 2.5, '0 trials');
INSERT INTO tidewheel_asset.run_steps VALUES ('01K742SG00S88EF1', 1, 'data', 1760000000000000, 1.5, '1200 rows');
INSERT INTO tidewheel_asset.run_steps VALUES ('01K742SG00S88EF1', 2, 'learn', 1760000000000000, 2.5, '0 trials');
INSERT INTO tidewheel_asset.runs VALUES ('01K742SG00NPBYBD', 'Fraud', 'done', 1760000000000000, 1760000000000000, 'by hand', 'ana', '', '{"chosen":{},"seed":0,"threads":2}', '{"as_of":1760000000000000,"commit":"","dataset":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","definitions":{},"dirty_patch":"","libraries":{"numpy":"2.0"},"log_head":5000,"rows":{},"seed":0,"tables":{},"timings":{}}', '[{"detail":"0.61","evidence":{"value":0.61},"gate":"average_precision at least 0.3","passed":true}]', '{"bundle":"1111111111111111111111111111111111111111111111111111111111111111"}', '');
INSERT INTO tidewheel_asset.runs VALUES ('01K742SG00S88EF1', 'Fraud', 'done', 1760000000000000, 1760000000000000, 'by hand', 'ana', '', '{"chosen":{},"seed":0,"threads":2}', '{"as_of":1760000000000000,"commit":"","dataset":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","definitions":{},"dirty_patch":"","libraries":{"numpy":"2.0"},"log_head":5000,"rows":{},"seed":0,"tables":{},"timings":{}}', '[{"detail":"0.61","evidence":{"value":0.61},"gate":"average_precision at least 0.3","passed":true}]', '{"bundle":"2222222222222222222222222222222222222222222222222222222222222222"}', '');
INSERT INTO tidewheel_asset.runs VALUES ('01K742SG005JS3QH', 'Fraud', 'failed', 1760000000000000, 1760000000000000, '', 'ana', '', '{}', '{"as_of":0,"commit":"","dataset":"","definitions":{},"dirty_patch":"","libraries":{},"log_head":0,"rows":{},"seed":0,"tables":{},"timings":{}}', '[]', '{}', 'data: none of 3 rows can be trained on');
INSERT INTO tidewheel_asset.runs VALUES ('01K742SG00JW0244', 'Fraud', 'running', 1760000000000000, NULL, 'its process was killed', 'ana', '', '{}', '{"as_of":0,"commit":"","dataset":"","definitions":{},"dirty_patch":"","libraries":{},"log_head":0,"rows":{},"seed":0,"tables":{},"timings":{}}', '[]', '{}', '');
INSERT INTO tidewheel_asset.service_versions VALUES ('01c653324f4c10e5', 'Score', '{"model":"Fraud","name":"Score","on":"T","rule_view":null,"rules":[],"thresholds":[["allow",0.0],["block",0.9]],"type":"Service"}', '53d5e3feaa9cc00b', 1760000000000000);
INSERT INTO tidewheel_asset.thresholds VALUES ('Score', 1, '{"block":0.8}', 1760000000000000, 'fewer blocks', 'ana');
INSERT INTO tidewheel_asset.versions VALUES ('Fraud', 1, '01K742SG00NPBYBD', '1111111111111111111111111111111111111111111111111111111111111111', 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', 'mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm', '[{"high":0.66,"low":0.55,"metric":"average_precision","split":"test","value":0.61},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.02}]', '[{"detail":"0.61","evidence":{"value":0.61},"gate":"average_precision at least 0.3","passed":true}]', 'ana', 1760000000000000);
INSERT INTO tidewheel_asset.versions VALUES ('Fraud', 2, '01K742SG00S88EF1', '2222222222222222222222222222222222222222222222222222222222222222', 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', 'mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm', '[{"high":0.66,"low":0.55,"metric":"average_precision","split":"test","value":0.61},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.02}]', '[{"detail":"0.61","evidence":{"value":0.61},"gate":"average_precision at least 0.3","passed":true}]', 'ana', 1760000000000000);
SELECT pg_catalog.setval('tidewheel_asset.alerts_seq_seq', 1, true);
SELECT pg_catalog.setval('tidewheel_asset.deployment_history_seq_seq', 2, true);
SELECT pg_catalog.setval('tidewheel_asset.notes_seq_seq', 10, true);
ALTER TABLE ONLY tidewheel_asset.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY tidewheel_asset.alerts
    ADD CONSTRAINT pk_alerts PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.counters
    ADD CONSTRAINT pk_counters PRIMARY KEY (topic);
ALTER TABLE ONLY tidewheel_asset.datasets
    ADD CONSTRAINT pk_datasets PRIMARY KEY (digest);
ALTER TABLE ONLY tidewheel_asset.deployment_history
    ADD CONSTRAINT pk_deployment_history PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.deployments
    ADD CONSTRAINT pk_deployments PRIMARY KEY (service);
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
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT pk_versions PRIMARY KEY (model, number);
ALTER TABLE ONLY tidewheel_asset.deployment_history
    ADD CONSTRAINT uq_deployment_history_service_revision UNIQUE (service, revision);
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT uq_versions_run UNIQUE (run);
CREATE INDEX ix_alerts_service_closed ON tidewheel_asset.alerts USING btree (service, closed);
CREATE INDEX ix_notes_sent_seq ON tidewheel_asset.notes USING btree (sent, seq);
CREATE INDEX ix_notes_subject_seq ON tidewheel_asset.notes USING btree (subject, seq);
CREATE INDEX ix_runs_model_started ON tidewheel_asset.runs USING btree (model, started);
CREATE INDEX ix_service_versions_service ON tidewheel_asset.service_versions USING btree (service);
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
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT fk_versions_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
