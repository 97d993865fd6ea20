CREATE TABLE public.active_rulesets (
    domain text NOT NULL,
    digest text NOT NULL,
    activated_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.batches (
    id uuid NOT NULL,
    domain text NOT NULL,
    source text NOT NULL,
    rows bigint NOT NULL,
    chunks integer NOT NULL,
    as_of timestamp with time zone NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    enqueued_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT ck_batches_state CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'dead'::text])))
);
CREATE TABLE public.chunks (
    batch uuid NOT NULL,
    n integer NOT NULL,
    rows integer NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    form text NOT NULL,
    facts bytea NOT NULL,
    rings integer DEFAULT 1 NOT NULL,
    ring_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    worker text,
    code text,
    reason text,
    CONSTRAINT ck_chunks_form CHECK ((form = ANY (ARRAY['columns'::text, 'text'::text, 'json'::text]))),
    CONSTRAINT ck_chunks_state CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'dead'::text, 'split'::text])))
);
CREATE TABLE public.dead_letters (
    id uuid NOT NULL,
    kind text NOT NULL,
    domain text,
    subject text,
    batch uuid,
    chunk integer,
    code text NOT NULL,
    reason text NOT NULL,
    worker text,
    attempts integer NOT NULL,
    content text,
    died_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_dead_letters_kind CHECK ((kind = ANY (ARRAY['job'::text, 'row'::text, 'message'::text])))
);
CREATE TABLE public.jobs (
    id uuid NOT NULL,
    domain text NOT NULL,
    subject text NOT NULL,
    facts jsonb NOT NULL,
    as_of timestamp with time zone NOT NULL,
    bulk boolean DEFAULT false NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    enqueued_at timestamp with time zone DEFAULT now() NOT NULL,
    rings integer DEFAULT 1 NOT NULL,
    ring_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone,
    worker text,
    code text,
    reason text,
    CONSTRAINT ck_jobs_state CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'dead'::text])))
);
CREATE TABLE public.reconciler (
    id integer NOT NULL,
    ran_at timestamp with time zone NOT NULL,
    rung integer NOT NULL,
    broker_lost_at timestamp with time zone,
    CONSTRAINT ck_reconciler_one_row CHECK ((id = 1))
);
CREATE TABLE public.rulesets (
    domain text NOT NULL,
    digest text NOT NULL,
    source jsonb NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.verdicts (
    id uuid NOT NULL,
    enqueued_at timestamp with time zone NOT NULL,
    domain text NOT NULL,
    subject text NOT NULL,
    batch uuid,
    outcome text NOT NULL,
    fired text[] NOT NULL,
    reasons jsonb NOT NULL,
    changes jsonb NOT NULL,
    ruleset_digest text NOT NULL,
    facts_digest text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    worker text NOT NULL,
    evaluated_at timestamp with time zone NOT NULL,
    micros integer NOT NULL,
    seen jsonb,
    CONSTRAINT ck_verdicts_outcome CHECK ((outcome = ANY (ARRAY['accept'::text, 'review'::text, 'reject'::text, 'error'::text])))
)
PARTITION BY RANGE (enqueued_at);
CREATE TABLE public.verdicts_2026_11 (
    id uuid CONSTRAINT verdicts_id_not_null NOT NULL,
    enqueued_at timestamp with time zone CONSTRAINT verdicts_enqueued_at_not_null NOT NULL,
    domain text CONSTRAINT verdicts_domain_not_null NOT NULL,
    subject text CONSTRAINT verdicts_subject_not_null NOT NULL,
    batch uuid,
    outcome text CONSTRAINT verdicts_outcome_not_null NOT NULL,
    fired text[] CONSTRAINT verdicts_fired_not_null NOT NULL,
    reasons jsonb CONSTRAINT verdicts_reasons_not_null NOT NULL,
    changes jsonb CONSTRAINT verdicts_changes_not_null NOT NULL,
    ruleset_digest text CONSTRAINT verdicts_ruleset_digest_not_null NOT NULL,
    facts_digest text CONSTRAINT verdicts_facts_digest_not_null NOT NULL,
    as_of timestamp with time zone CONSTRAINT verdicts_as_of_not_null NOT NULL,
    worker text CONSTRAINT verdicts_worker_not_null NOT NULL,
    evaluated_at timestamp with time zone CONSTRAINT verdicts_evaluated_at_not_null NOT NULL,
    micros integer CONSTRAINT verdicts_micros_not_null NOT NULL,
    seen jsonb,
    CONSTRAINT ck_verdicts_outcome CHECK ((outcome = ANY (ARRAY['accept'::text, 'review'::text, 'reject'::text, 'error'::text])))
);
CREATE TABLE public.verdicts_2026_12 (
    id uuid CONSTRAINT verdicts_id_not_null NOT NULL,
    enqueued_at timestamp with time zone CONSTRAINT verdicts_enqueued_at_not_null NOT NULL,
    domain text CONSTRAINT verdicts_domain_not_null NOT NULL,
    subject text CONSTRAINT verdicts_subject_not_null NOT NULL,
    batch uuid,
    outcome text CONSTRAINT verdicts_outcome_not_null NOT NULL,
    fired text[] CONSTRAINT verdicts_fired_not_null NOT NULL,
    reasons jsonb CONSTRAINT verdicts_reasons_not_null NOT NULL,
    changes jsonb CONSTRAINT verdicts_changes_not_null NOT NULL,
    ruleset_digest text CONSTRAINT verdicts_ruleset_digest_not_null NOT NULL,
    facts_digest text CONSTRAINT verdicts_facts_digest_not_null NOT NULL,
    as_of timestamp with time zone CONSTRAINT verdicts_as_of_not_null NOT NULL,
    worker text CONSTRAINT verdicts_worker_not_null NOT NULL,
    evaluated_at timestamp with time zone CONSTRAINT verdicts_evaluated_at_not_null NOT NULL,
    micros integer CONSTRAINT verdicts_micros_not_null NOT NULL,
    seen jsonb,
    CONSTRAINT ck_verdicts_outcome CHECK ((outcome = ANY (ARRAY['accept'::text, 'review'::text, 'reject'::text, 'error'::text])))
);
CREATE TABLE public.verdicts_2027_01 (
    id uuid CONSTRAINT verdicts_id_not_null NOT NULL,
    enqueued_at timestamp with time zone CONSTRAINT verdicts_enqueued_at_not_null NOT NULL,
    domain text CONSTRAINT verdicts_domain_not_null NOT NULL,
    subject text CONSTRAINT verdicts_subject_not_null NOT NULL,
    batch uuid,
    outcome text CONSTRAINT verdicts_outcome_not_null NOT NULL,
    fired text[] CONSTRAINT verdicts_fired_not_null NOT NULL,
    reasons jsonb CONSTRAINT verdicts_reasons_not_null NOT NULL,
    changes jsonb CONSTRAINT verdicts_changes_not_null NOT NULL,
    ruleset_digest text CONSTRAINT verdicts_ruleset_digest_not_null NOT NULL,
    facts_digest text CONSTRAINT verdicts_facts_digest_not_null NOT NULL,
    as_of timestamp with time zone CONSTRAINT verdicts_as_of_not_null NOT NULL,
    worker text CONSTRAINT verdicts_worker_not_null NOT NULL,
    evaluated_at timestamp with time zone CONSTRAINT verdicts_evaluated_at_not_null NOT NULL,
    micros integer CONSTRAINT verdicts_micros_not_null NOT NULL,
    seen jsonb,
    CONSTRAINT ck_verdicts_outcome CHECK ((outcome = ANY (ARRAY['accept'::text, 'review'::text, 'reject'::text, 'error'::text])))
);
CREATE TABLE public.verdicts_2027_02 (
    id uuid CONSTRAINT verdicts_id_not_null NOT NULL,
    enqueued_at timestamp with time zone CONSTRAINT verdicts_enqueued_at_not_null NOT NULL,
    domain text CONSTRAINT verdicts_domain_not_null NOT NULL,
    subject text CONSTRAINT verdicts_subject_not_null NOT NULL,
    batch uuid,
    outcome text CONSTRAINT verdicts_outcome_not_null NOT NULL,
    fired text[] CONSTRAINT verdicts_fired_not_null NOT NULL,
    reasons jsonb CONSTRAINT verdicts_reasons_not_null NOT NULL,
    changes jsonb CONSTRAINT verdicts_changes_not_null NOT NULL,
    ruleset_digest text CONSTRAINT verdicts_ruleset_digest_not_null NOT NULL,
    facts_digest text CONSTRAINT verdicts_facts_digest_not_null NOT NULL,
    as_of timestamp with time zone CONSTRAINT verdicts_as_of_not_null NOT NULL,
    worker text CONSTRAINT verdicts_worker_not_null NOT NULL,
    evaluated_at timestamp with time zone CONSTRAINT verdicts_evaluated_at_not_null NOT NULL,
    micros integer CONSTRAINT verdicts_micros_not_null NOT NULL,
    seen jsonb,
    CONSTRAINT ck_verdicts_outcome CHECK ((outcome = ANY (ARRAY['accept'::text, 'review'::text, 'reject'::text, 'error'::text])))
);
CREATE TABLE public.verdicts_default (
    id uuid CONSTRAINT verdicts_id_not_null NOT NULL,
    enqueued_at timestamp with time zone CONSTRAINT verdicts_enqueued_at_not_null NOT NULL,
    domain text CONSTRAINT verdicts_domain_not_null NOT NULL,
    subject text CONSTRAINT verdicts_subject_not_null NOT NULL,
    batch uuid,
    outcome text CONSTRAINT verdicts_outcome_not_null NOT NULL,
    fired text[] CONSTRAINT verdicts_fired_not_null NOT NULL,
    reasons jsonb CONSTRAINT verdicts_reasons_not_null NOT NULL,
    changes jsonb CONSTRAINT verdicts_changes_not_null NOT NULL,
    ruleset_digest text CONSTRAINT verdicts_ruleset_digest_not_null NOT NULL,
    facts_digest text CONSTRAINT verdicts_facts_digest_not_null NOT NULL,
    as_of timestamp with time zone CONSTRAINT verdicts_as_of_not_null NOT NULL,
    worker text CONSTRAINT verdicts_worker_not_null NOT NULL,
    evaluated_at timestamp with time zone CONSTRAINT verdicts_evaluated_at_not_null NOT NULL,
    micros integer CONSTRAINT verdicts_micros_not_null NOT NULL,
    seen jsonb,
    CONSTRAINT ck_verdicts_outcome CHECK ((outcome = ANY (ARRAY['accept'::text, 'review'::text, 'reject'::text, 'error'::text])))
);
ALTER TABLE ONLY public.verdicts ATTACH PARTITION public.verdicts_2026_11 FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00');
ALTER TABLE ONLY public.verdicts ATTACH PARTITION public.verdicts_2026_12 FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');
ALTER TABLE ONLY public.verdicts ATTACH PARTITION public.verdicts_2027_01 FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00');
ALTER TABLE ONLY public.verdicts ATTACH PARTITION public.verdicts_2027_02 FOR VALUES FROM ('2027-02-01 00:00:00+00') TO ('2027-03-01 00:00:00+00');
ALTER TABLE ONLY public.verdicts ATTACH PARTITION public.verdicts_default DEFAULT;
INSERT INTO public.active_rulesets (domain, digest, activated_at) VALUES ('payment', '4d6a8e02f97543720b9b727733988fbd73cf7a288f7623e929f0f07bf695b640', '2026-11-28 07:17:45.194305+00');
INSERT INTO public.active_rulesets (domain, digest, activated_at) VALUES ('pricing', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', '2026-11-28 07:17:45.198575+00');
INSERT INTO public.active_rulesets (domain, digest, activated_at) VALUES ('credit', '3d0fafddf89141bf9e023d68758c84fe88714589208d0ad24e2796f2b2037495', '2026-11-28 07:17:45.206652+00');
INSERT INTO public.alembic_version (version_num) VALUES ('0003');
INSERT INTO public.batches (id, domain, source, rows, chunks, as_of, state, enqueued_at, finished_at) VALUES ('c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'pricing', '/tmp/pytest-of-root/pytest-821/test_gen0/products.csv', 10, 2, '2026-11-28 07:17:48.733244+00', 'done', '2026-11-28 07:17:48.734097+00', '2026-11-28 07:17:48.951464+00');
INSERT INTO public.batches (id, domain, source, rows, chunks, as_of, state, enqueued_at, finished_at) VALUES ('1d2905ad-96cf-4680-948b-e9e9dc98b3ca', 'pricing', '/tmp/pytest-of-root/pytest-821/test_gen0/more.csv', 6, 2, '2026-11-28 07:17:54.153887+00', 'open', '2026-11-28 07:17:54.154624+00', NULL);
INSERT INTO public.batches (id, domain, source, rows, chunks, as_of, state, enqueued_at, finished_at) VALUES ('bedcf1b5-c501-422f-ab7c-3ab6f345465c', 'pricing', '/tmp/pytest-of-root/pytest-821/test_gen0/one.csv', 1, 1, '2026-11-28 07:17:54.177808+00', 'done', '2026-11-28 07:17:54.178291+00', '2026-11-28 07:17:54.193886+00');
INSERT INTO public.chunks (batch, n, rows, state, attempts, lease_until, form, facts, rings, ring_at, finished_at, worker, code, reason) VALUES ('c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 0, 5, 'done', 1, NULL, 'text', '\x4152524f5731000004000000f2ffffff140000000400010000000a000b0008000a000400f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b750000000000ffffffff5001000004000000ecffffff000100000000000014000000040003000c001300100012000c000400deffffff0500000000000000dc0000005000000040000000180000000000000000000e001c0004000c00100014001800040000000000000000000000000000000000000000000000000000000000000000000000faffffff0100060005000400080000000000000000000000000000000000000000000000000000002b0000000000000040000000000000000000000000000000400000000000000034000000000000008000000000000000000000000000000080000000000000001f00000000000000c0000000000000000000000000000000c0000000000000002b00000000000000000000000400000005000000000000000000000000000000050000000000000000000000000000000500000000000000000000000000000005000000000000000000000000000000500000000000000028b52ffd2050d5000058020000007030003132333406006013d01de8186899d980068c000000000000000000000000000000000000000000500000000000000028b52ffd20501d0100a001000000300001000000310001000000320033340600c010d037d306b00bd8650345000000000000000000000000500000000000000028b52ffd20507500003001000000350002009d29c1068a000000000000000000000000000000000000000000000000000000000000000000500000000000000028b52ffd2050d5000058020000007030003132333406006013d01de8186899d980068c000000000000000000000000000000000000000000ffffffff0000000004000000ecffffff400000003800000014000000040000000c0012001000040008000c00010000000801000000000000580100000000000000010000000000000000000000000000f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b7500280100004152524f5731', 1, '2026-11-28 07:18:53.828359+00', '2026-11-28 07:17:48.854919+00', 'b@here', NULL, NULL);
INSERT INTO public.chunks (batch, n, rows, state, attempts, lease_until, form, facts, rings, ring_at, finished_at, worker, code, reason) VALUES ('c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 1, 5, 'done', 1, NULL, 'text', '\x4152524f5731000004000000f2ffffff140000000400010000000a000b0008000a000400f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b750000000000ffffffff5001000004000000ecffffff800100000000000014000000040003000c001300100012000c000400deffffff0500000000000000dc0000005000000040000000180000000000000000000e001c0004000c00100014001800040000000000000000000000000000000000000000000000000000000000000000000000faffffff01000600050004000800000000000000000000000000000000000000000000000000000031000000000000004000000000000000120000000000000080000000000000002e00000000000000c0000000000000001200000000000000000100000000000021000000000000004001000000000000000000000000000040010000000000003100000000000000000000000400000005000000000000000000000000000000050000000000000001000000000000000500000000000000010000000000000005000000000000000000000000000000500000000000000028b52ffd20500501008802000000703500363738030000006261640600a018d80e740cb4cc6c400346000000000000000000000000000000010000000000000028b52ffd20010900000f00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000500000000000000028b52ffd2050ed000070010000003500010000003600373806000001300e34cfb416ecb28122000000000000000000000000000000000000010000000000000028b52ffd20010900000f00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000500000000000000028b52ffd205085000030010000003500030000816646b0812200000000000000000000000000000000000000000000000000000000000000500000000000000028b52ffd20500501008802000000703500363738030000006261640600a018d80e740cb4cc6c400346000000000000000000000000000000ffffffff0000000004000000ecffffff400000003800000014000000040000000c0012001000040008000c00010000000801000000000000580100000000000080010000000000000000000000000000f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b7500280100004152524f5731', 1, '2026-11-28 07:18:53.936703+00', '2026-11-28 07:17:48.951464+00', 'b@here', NULL, NULL);
INSERT INTO public.chunks (batch, n, rows, state, attempts, lease_until, form, facts, rings, ring_at, finished_at, worker, code, reason) VALUES ('1d2905ad-96cf-4680-948b-e9e9dc98b3ca', 0, 5, 'open', 0, NULL, 'text', '\x4152524f5731000004000000f2ffffff140000000400010000000a000b0008000a000400f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b750000000000ffffffff5001000004000000ecffffff000100000000000014000000040003000c001300100012000c000400deffffff0500000000000000dc0000005000000040000000180000000000000000000e001c0004000c00100014001800040000000000000000000000000000000000000000000000000000000000000000000000faffffff0100060005000400080000000000000000000000000000000000000000000000000000002b0000000000000040000000000000000000000000000000400000000000000034000000000000008000000000000000000000000000000080000000000000001f00000000000000c0000000000000000000000000000000c0000000000000002b00000000000000000000000400000005000000000000000000000000000000050000000000000000000000000000000500000000000000000000000000000005000000000000000000000000000000500000000000000028b52ffd2050d5000058020000007130003132333406006013d01de8186899d980068c000000000000000000000000000000000000000000500000000000000028b52ffd20501d0100a001000000300001000000310001000000320033340600c010d037d306b00bd8650345000000000000000000000000500000000000000028b52ffd20507500003001000000350002009d29c1068a000000000000000000000000000000000000000000000000000000000000000000500000000000000028b52ffd2050d5000058020000007130003132333406006013d01de8186899d980068c000000000000000000000000000000000000000000ffffffff0000000004000000ecffffff400000003800000014000000040000000c0012001000040008000c00010000000801000000000000580100000000000000010000000000000000000000000000f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b7500280100004152524f5731', 1, '2026-11-28 07:17:56.171055+00', NULL, NULL, NULL, NULL);
INSERT INTO public.chunks (batch, n, rows, state, attempts, lease_until, form, facts, rings, ring_at, finished_at, worker, code, reason) VALUES ('1d2905ad-96cf-4680-948b-e9e9dc98b3ca', 1, 1, 'open', 0, NULL, 'text', '\x4152524f5731000004000000f2ffffff140000000400010000000a000b0008000a000400f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b750000000000ffffffff5001000004000000ecffffff000100000000000014000000040003000c001300100012000c000400deffffff0100000000000000dc0000005000000040000000180000000000000000000e001c0004000c00100014001800040000000000000000000000000000000000000000000000000000000000000000000000faffffff0100060005000400080000000000000000000000000000000000000000000000000000001e000000000000004000000000000000000000000000000040000000000000001d000000000000008000000000000000000000000000000080000000000000001d00000000000000c0000000000000000000000000000000c0000000000000001e00000000000000000000000400000001000000000000000000000000000000010000000000000000000000000000000100000000000000000000000000000001000000000000000000000000000000100000000000000028b52ffd20106d00003802000000713500010005300200000000000000000000000000000000000000000000000000000000000000000000100000000000000028b52ffd20106500003001000000350001001b28020000000000000000000000000000000000000000000000000000000000000000000000100000000000000028b52ffd20106500003001000000350001001b28020000000000000000000000000000000000000000000000000000000000000000000000100000000000000028b52ffd20106d00003802000000713500010005300200000000000000000000000000000000000000000000000000000000000000000000ffffffff0000000004000000ecffffff400000003800000014000000040000000c0012001000040008000c00010000000801000000000000580100000000000000010000000000000000000000000000f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b7500280100004152524f5731', 1, '2026-11-28 07:17:56.172861+00', NULL, NULL, NULL, NULL);
INSERT INTO public.chunks (batch, n, rows, state, attempts, lease_until, form, facts, rings, ring_at, finished_at, worker, code, reason) VALUES ('bedcf1b5-c501-422f-ab7c-3ab6f345465c', 0, 1, 'dead', 1, NULL, 'text', '\x4152524f5731000004000000f2ffffff140000000400010000000a000b0008000a000400f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b750000000000ffffffff5001000004000000ecffffff000100000000000014000000040003000c001300100012000c000400deffffff0100000000000000dc0000005000000040000000180000000000000000000e001c0004000c00100014001800040000000000000000000000000000000000000000000000000000000000000000000000faffffff0100060005000400080000000000000000000000000000000000000000000000000000001e000000000000004000000000000000000000000000000040000000000000001d000000000000008000000000000000000000000000000080000000000000001d00000000000000c0000000000000000000000000000000c0000000000000001e00000000000000000000000400000001000000000000000000000000000000010000000000000000000000000000000100000000000000000000000000000001000000000000000000000000000000100000000000000028b52ffd20106d00003802000000723000010005300200000000000000000000000000000000000000000000000000000000000000000000100000000000000028b52ffd20106500003001000000310001001b28020000000000000000000000000000000000000000000000000000000000000000000000100000000000000028b52ffd20106500003001000000350001001b28020000000000000000000000000000000000000000000000000000000000000000000000100000000000000028b52ffd20106d00003802000000723000010005300200000000000000000000000000000000000000000000000000000000000000000000ffffffff0000000004000000ecffffff400000003800000014000000040000000c0012001000040008000c00010000000801000000000000580100000000000000010000000000000000000000000000f8ffffff0c00000008000800000004000400000094000000680000003c0000000400000068ffffff180000001000000008000000011800000000000068ffffff1000000072756c656661726d2e7375626a656374000000009cffffff18000000100000000800000001180000000000009cffffff04000000636f737400000000c4ffffff1800000010000000080000000118000000000000c4ffffff050000007072696365000000ecffffff2c00000020000000180000000118000010001200040010001100080000000c0000000000fcffffff0400040003000000736b7500280100004152524f5731', 1, '2026-11-28 07:17:54.193886+00', '2026-11-28 07:17:54.193886+00', 'w@there', 'worker-lost', 'the process that judged it died');
INSERT INTO public.dead_letters (id, kind, domain, subject, batch, chunk, code, reason, worker, attempts, content, died_at) VALUES ('b1b43506-3ca4-5c99-a016-be0a209e4ffc', 'job', 'payment', 'poison', NULL, NULL, 'worker-lost', 'the process that judged it died', 'w@there', 1, NULL, '2026-11-28 07:17:54.099286+00');
INSERT INTO public.dead_letters (id, kind, domain, subject, batch, chunk, code, reason, worker, attempts, content, died_at) VALUES ('a93d93ec-bfc5-5ef6-b7c6-9417694c0c95', 'row', 'pricing', 'r0', 'bedcf1b5-c501-422f-ab7c-3ab6f345465c', 0, 'worker-lost', 'the process that judged it died', 'w@there', 1, NULL, '2026-11-28 07:17:54.193886+00');
INSERT INTO public.jobs (id, domain, subject, facts, as_of, bulk, state, attempts, enqueued_at, rings, ring_at, lease_until, worker, code, reason) VALUES ('73815339-debb-5368-844a-d540e86d129e', 'payment', 'accepted', '{"Order": {"total": 10, "country": "DE"}}', '2026-11-28 07:17:48.473396+00', false, 'done', 0, '2026-11-28 07:17:48.473396+00', 1, '2026-11-28 07:17:50.496911+00', NULL, NULL, NULL, NULL);
INSERT INTO public.jobs (id, domain, subject, facts, as_of, bulk, state, attempts, enqueued_at, rings, ring_at, lease_until, worker, code, reason) VALUES ('2930912a-317f-5f37-8977-6760e9f77514', 'payment', 'zoë', '{"Order": {"total": 2000, "country": "FR"}}', '2026-11-28 07:17:48.614062+00', false, 'done', 0, '2026-11-28 07:17:48.614062+00', 1, '2026-11-28 07:17:50.617846+00', NULL, NULL, NULL, NULL);
INSERT INTO public.jobs (id, domain, subject, facts, as_of, bulk, state, attempts, enqueued_at, rings, ring_at, lease_until, worker, code, reason) VALUES ('46f27221-dbbf-53e5-9ded-1fd012165762', 'payment', 'looked at', '{"Line": [{"quantity": 51}], "Order": {"total": 1500.5, "country": "DE"}}', '2026-11-28 07:17:48.636032+00', false, 'done', 0, '2026-11-28 07:17:48.636032+00', 1, '2026-11-28 07:17:50.638743+00', NULL, NULL, NULL, NULL);
INSERT INTO public.jobs (id, domain, subject, facts, as_of, bulk, state, attempts, enqueued_at, rings, ring_at, lease_until, worker, code, reason) VALUES ('a9ae7a47-0b6c-5fc9-8794-eab5b6750350', 'payment', 'no total', '{"Order": {}}', '2026-11-28 07:17:48.657673+00', false, 'done', 0, '2026-11-28 07:17:48.657673+00', 1, '2026-11-28 07:17:50.659985+00', NULL, NULL, NULL, NULL);
INSERT INTO public.jobs (id, domain, subject, facts, as_of, bulk, state, attempts, enqueued_at, rings, ring_at, lease_until, worker, code, reason) VALUES ('df843d8e-fa12-592e-824c-cd66a6a4f871', 'credit', 'c1', '{"Order": {"store": 3, "total": 900, "order_id": "c1", "household_id": "h1"}}', '2026-11-28 07:17:48.677876+00', false, 'done', 0, '2026-11-28 07:17:48.677876+00', 1, '2026-11-28 07:17:50.687333+00', NULL, NULL, NULL, NULL);
INSERT INTO public.jobs (id, domain, subject, facts, as_of, bulk, state, attempts, enqueued_at, rings, ring_at, lease_until, worker, code, reason) VALUES ('b1b43506-3ca4-5c99-a016-be0a209e4ffc', 'payment', 'poison', '{"Order": {"total": 3000, "country": "IT"}}', '2026-11-28 07:17:54.065521+00', false, 'dead', 1, '2026-11-28 07:17:54.065521+00', 1, '2026-11-28 07:17:55.099286+00', NULL, 'w@there', 'worker-lost', 'the process that judged it died');
INSERT INTO public.jobs (id, domain, subject, facts, as_of, bulk, state, attempts, enqueued_at, rings, ring_at, lease_until, worker, code, reason) VALUES ('ec24066d-bfbf-5167-9c9a-e7ff92014da5', 'payment', 'waits', '{"Order": {"total": 4000, "country": "IT"}}', '2026-11-28 07:17:54.109576+00', false, 'open', 0, '2026-11-28 07:17:54.109576+00', 1, '2026-11-28 07:17:56.110925+00', NULL, NULL, NULL, NULL);
INSERT INTO public.jobs (id, domain, subject, facts, as_of, bulk, state, attempts, enqueued_at, rings, ring_at, lease_until, worker, code, reason) VALUES ('0443ed4e-4f00-59c8-94e9-ac7570d6e2c2', 'payment', 'was begun', '{"Order": {"total": 5, "country": "IT"}}', '2026-11-28 07:17:54.114123+00', false, 'open', 2, '2026-11-28 07:17:54.114123+00', 1, '2026-11-28 07:18:54.126349+00', '2026-11-28 07:18:54.126349+00', 'w@there', NULL, NULL);
INSERT INTO public.rulesets (domain, digest, source, published_at) VALUES ('payment', '4d6a8e02f97543720b9b727733988fbd73cf7a288f7623e929f0f07bf695b640', '{"rs/payment/domain.toml": "subject = \"Order\"\nkey = \"order_id\"\n\n[facts.Order.fields]\norder_id = { kind = \"text\" }\ntotal = { kind = \"number\", required = true, min = 0 }\ncountry = { kind = \"text\" }\nflag = { kind = \"text\", derived = true }\n\n[facts.Line]\nlist = true\n[facts.Line.fields]\nquantity = { kind = \"number\" }\n", "rs/payment/payment.grl": "rule \"Big\" \"a big order\" salience 10 {\n    when Order.total > 1000\n    then Review(\"over 1000\"); Order.flag = \"big\";\n}\n\nrule \"BigAbroad\" {\n    when Order.flag == \"big\" && Order.country != \"DE\"\n    then Reject(\"big and abroad\");\n}\n\nrule \"Bulky\" {\n    when Sum(Line.quantity) > 50\n    then Review(\"more than 50 pieces\");\n}\n"}', '2026-11-28 07:17:45.194305+00');
INSERT INTO public.rulesets (domain, digest, source, published_at) VALUES ('pricing', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', '{"rs/pricing/domain.toml": "subject = \"Product\"\nkey = \"sku\"\n\n[facts.Product.fields]\nsku = { kind = \"text\", required = true }\nprice = { kind = \"number\", required = true, min = 0 }\ncost = { kind = \"number\" }\ncategory = { kind = \"text\" }\nsold_out = { kind = \"boolean\" }\n", "rs/pricing/pricing.grl": "rule \"UnderCost\" {\n    when Product.price < Product.cost && !(Product.category in [\"clearance\", \"outlet\"])\n    then Reject(\"price is under cost\");\n}\n\nrule \"SoldOut\" {\n    when Product.sold_out\n    then Review(\"sold out\");\n}\n"}', '2026-11-28 07:17:45.198575+00');
INSERT INTO public.rulesets (domain, digest, source, published_at) VALUES ('credit', '3d0fafddf89141bf9e023d68758c84fe88714589208d0ad24e2796f2b2037495', '{"rs/credit/credit.grl": "rule \"OverLimit\" {\n    when Order.total > Customer.limit\n    then Reject(\"over the limit of \" + Customer.limit);\n}\n\nrule \"Blocked\" {\n    when Customer.blocked\n    then Reject(\"blocked\");\n}\n\nrule \"NoStore\" {\n    when Store.region == null\n    then Review(\"a store that nobody knows\");\n}\n", "rs/credit/domain.toml": "description = \"Orders on account: what is known of the customer decides.\"\nsubject = \"Order\"\nkey = \"order_id\"\n\n[facts.Order.fields]\norder_id = { kind = \"text\" }\nhousehold_id = { kind = \"text\" }\nstore = { kind = \"number\" }\ntotal = { kind = \"number\", required = true, min = 0 }\n\n[facts.Customer.fields]\nhousehold_id = { kind = \"text\" }\nlimit = { kind = \"number\" }\nblocked = { kind = \"boolean\" }\n\n[facts.Store.fields]\nregion = { kind = \"text\" }\n\n[lookup.Customer]\nby = \"Order.household_id\"\nrequired = true\n\n[lookup.Store]\nby = \"Order.store\"\n"}', '2026-11-28 07:17:45.206652+00');
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('73815339-debb-5368-844a-d540e86d129e', '2026-11-28 07:17:48.473396+00', 'payment', 'accepted', NULL, 'accept', '{}', '[]', '{}', '4d6a8e02f97543720b9b727733988fbd73cf7a288f7623e929f0f07bf695b640', 'f2afa2f69a9f276694a117132ee2df5d0afa942ee1805a8fa364c3e81b2982e4', '2026-11-28 07:17:48.473396+00', 'w@here', '2026-11-28 07:17:48.523161+00', 270, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('2930912a-317f-5f37-8977-6760e9f77514', '2026-11-28 07:17:48.614062+00', 'payment', 'zoë', NULL, 'reject', '{Big,BigAbroad}', '[{"code": null, "rule": "Big", "text": "over 1000", "outcome": "review"}, {"code": null, "rule": "BigAbroad", "text": "big and abroad", "outcome": "reject"}]', '{"Order.flag": "big"}', '4d6a8e02f97543720b9b727733988fbd73cf7a288f7623e929f0f07bf695b640', '93742f5fb253ecc3a5035ad0cc236e8fdd5d400d1c00b422ad784b796b04407c', '2026-11-28 07:17:48.614062+00', 'w@here', '2026-11-28 07:17:48.629815+00', 746, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('46f27221-dbbf-53e5-9ded-1fd012165762', '2026-11-28 07:17:48.636032+00', 'payment', 'looked at', NULL, 'review', '{Big,Bulky}', '[{"code": null, "rule": "Big", "text": "over 1000", "outcome": "review"}, {"code": null, "rule": "Bulky", "text": "more than 50 pieces", "outcome": "review"}]', '{"Order.flag": "big"}', '4d6a8e02f97543720b9b727733988fbd73cf7a288f7623e929f0f07bf695b640', '188d24ca9371aec9dd231210febeeede76f2546b55dec31542e899c57d9bfad5', '2026-11-28 07:17:48.636032+00', 'w@here', '2026-11-28 07:17:48.644669+00', 184, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('a9ae7a47-0b6c-5fc9-8794-eab5b6750350', '2026-11-28 07:17:48.657673+00', 'payment', 'no total', NULL, 'error', '{}', '[{"code": "facts-rejected", "rule": null, "text": "Order.total is missing", "outcome": "error"}]', '{}', '4d6a8e02f97543720b9b727733988fbd73cf7a288f7623e929f0f07bf695b640', '27cb9f5ca0d1ffbc96970ccf61af2f22f741c916f11f450bd0ca2339432fd085', '2026-11-28 07:17:48.657673+00', 'w@here', '2026-11-28 07:17:48.669987+00', 237, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('df843d8e-fa12-592e-824c-cd66a6a4f871', '2026-11-28 07:17:48.677876+00', 'credit', 'c1', NULL, 'reject', '{OverLimit,NoStore}', '[{"code": null, "rule": "OverLimit", "text": "over the limit of 500", "outcome": "reject"}, {"code": null, "rule": "NoStore", "text": "a store that nobody knows", "outcome": "review"}]', '{}', '3d0fafddf89141bf9e023d68758c84fe88714589208d0ad24e2796f2b2037495', '5da46ff740ae3cc37f2091e1b946a7cdb35d45f2589122964eb54baab4c6d4c5', '2026-11-28 07:17:48.677876+00', 'w@here', '2026-11-28 07:17:48.706891+00', 207, '{"Store": null, "Customer": {"limit": 500, "blocked": false, "household_id": "h1"}}');
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('3e776adb-01b9-51d7-970b-d12eba74430e', '2026-11-28 07:17:48.734097+00', 'pricing', 'p0', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'reject', '{UnderCost}', '[{"code": null, "rule": "UnderCost", "text": "price is under cost", "outcome": "reject"}]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', '4156c3c19e95ea97a302553d1de7c6158699e637ce6279a2b1813e019b1d687f', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.851733+00', 1605, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('c29f7e4d-1f7e-5c00-b3ab-3c480dbf7d14', '2026-11-28 07:17:48.734097+00', 'pricing', 'p1', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'reject', '{UnderCost}', '[{"code": null, "rule": "UnderCost", "text": "price is under cost", "outcome": "reject"}]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', 'e1b257032719ec824bd6c1e8bd5670e985bcdc5b41fb2952a4dc52fad393ca7a', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.851733+00', 1605, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('400a0b18-1e90-5cca-867d-5dfba4bf93a2', '2026-11-28 07:17:48.734097+00', 'pricing', 'p2', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'reject', '{UnderCost}', '[{"code": null, "rule": "UnderCost", "text": "price is under cost", "outcome": "reject"}]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', '99c82a712b6fee1a120d6e44c5b46fde8efe87a6ae9926fd470fd628e9305c04', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.851733+00', 1605, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('90b51bb3-b16a-5eae-9457-e0cebdc0db9f', '2026-11-28 07:17:48.734097+00', 'pricing', 'p3', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'reject', '{UnderCost}', '[{"code": null, "rule": "UnderCost", "text": "price is under cost", "outcome": "reject"}]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', 'add7225ba758025bcbce70bb437d83d69e868230c8d59aa5503730af6dff413d', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.851733+00', 1605, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('ca023c52-bcc6-52cf-af3e-ddd462674862', '2026-11-28 07:17:48.734097+00', 'pricing', 'p4', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'reject', '{UnderCost}', '[{"code": null, "rule": "UnderCost", "text": "price is under cost", "outcome": "reject"}]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', 'e51255fb1298240824217617b5f6219c2b44b9d31b503e44191395caac81d13b', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.851733+00', 1605, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('ef174368-d9b6-50f5-a4de-5e4eee58f21c', '2026-11-28 07:17:48.734097+00', 'pricing', 'p5', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'accept', '{}', '[]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', 'a106144bc611512411ef49a7097ebe952b60cd860c217df9c96797fad6cbd464', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.95014+00', 548, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('cce85b67-9d42-5faf-98f6-d7c54b588998', '2026-11-28 07:17:48.734097+00', 'pricing', 'p6', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'accept', '{}', '[]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', 'e2f911987cb5d9bf7de723b82e900001a8ed9085adae6627bcacf4b55071940b', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.95014+00', 548, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('591cbeb1-1d2f-5344-bf80-08da20c0e2a9', '2026-11-28 07:17:48.734097+00', 'pricing', 'p7', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'accept', '{}', '[]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', '6c3c7b5343324bcda47eb72b205c4d594fd5ad2e1ea97adec88d90c974301c74', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.95014+00', 548, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('f2c80e98-5833-5f84-9025-5e3666bec11a', '2026-11-28 07:17:48.734097+00', 'pricing', 'p8', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'accept', '{}', '[]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', '39addd4eb48443a54848677540b95c3d3f02fd0745a3c36bdbfa97a8f333f7be', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.95014+00', 548, NULL);
INSERT INTO public.verdicts_2026_11 (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros, seen) VALUES ('3006f0fb-0d5c-527e-b241-545dc8f20b08', '2026-11-28 07:17:48.734097+00', 'pricing', 'bad', 'c4bf96f2-6153-5fe3-85ca-fe4e499abec4', 'error', '{}', '[{"code": "facts-rejected", "rule": null, "text": "Product.price is missing", "outcome": "error"}]', '{}', '38f5c123d7f90376eb9f2b2c833f0043b51980f2f2fbdf37cce836522aa8ee95', 'a6f9e116420270973d235b5995e0ab9f3234abc8dad41bd487ef0285ae78ad3d', '2026-11-28 07:17:48.733244+00', 'b@here', '2026-11-28 07:17:48.95014+00', 548, NULL);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.active_rulesets
    ADD CONSTRAINT pk_active_rulesets PRIMARY KEY (domain);
ALTER TABLE ONLY public.batches
    ADD CONSTRAINT pk_batches PRIMARY KEY (id);
ALTER TABLE ONLY public.chunks
    ADD CONSTRAINT pk_chunks PRIMARY KEY (batch, n);
ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT pk_dead_letters PRIMARY KEY (id);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (id);
ALTER TABLE ONLY public.reconciler
    ADD CONSTRAINT pk_reconciler PRIMARY KEY (id);
ALTER TABLE ONLY public.rulesets
    ADD CONSTRAINT pk_rulesets PRIMARY KEY (domain, digest);
ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT pk_verdicts PRIMARY KEY (id, enqueued_at);
ALTER TABLE ONLY public.verdicts_2026_11
    ADD CONSTRAINT verdicts_2026_11_pkey PRIMARY KEY (id, enqueued_at);
ALTER TABLE ONLY public.verdicts_2026_12
    ADD CONSTRAINT verdicts_2026_12_pkey PRIMARY KEY (id, enqueued_at);
ALTER TABLE ONLY public.verdicts_2027_01
    ADD CONSTRAINT verdicts_2027_01_pkey PRIMARY KEY (id, enqueued_at);
ALTER TABLE ONLY public.verdicts_2027_02
    ADD CONSTRAINT verdicts_2027_02_pkey PRIMARY KEY (id, enqueued_at);
ALTER TABLE ONLY public.verdicts_default
    ADD CONSTRAINT verdicts_default_pkey PRIMARY KEY (id, enqueued_at);
CREATE INDEX ix_batches_enqueued_at ON public.batches USING btree (enqueued_at);
CREATE INDEX ix_chunks_open ON public.chunks USING btree (ring_at) WHERE (state = 'open'::text);
CREATE INDEX ix_dead_letters_batch ON public.dead_letters USING btree (batch) WHERE (batch IS NOT NULL);
CREATE INDEX ix_dead_letters_died_at ON public.dead_letters USING btree (died_at);
CREATE INDEX ix_jobs_domain_subject ON public.jobs USING btree (domain, subject);
CREATE INDEX ix_jobs_open ON public.jobs USING btree (ring_at) WHERE (state = 'open'::text);
CREATE INDEX ix_verdicts_batch ON ONLY public.verdicts USING btree (batch) WHERE (batch IS NOT NULL);
CREATE INDEX ix_verdicts_domain_outcome_evaluated_at ON ONLY public.verdicts USING btree (domain, outcome, evaluated_at);
CREATE INDEX ix_verdicts_subject ON ONLY public.verdicts USING btree (subject);
CREATE INDEX verdicts_2026_11_batch_idx ON public.verdicts_2026_11 USING btree (batch) WHERE (batch IS NOT NULL);
CREATE INDEX verdicts_2026_11_domain_outcome_evaluated_at_idx ON public.verdicts_2026_11 USING btree (domain, outcome, evaluated_at);
CREATE INDEX verdicts_2026_11_subject_idx ON public.verdicts_2026_11 USING btree (subject);
CREATE INDEX verdicts_2026_12_batch_idx ON public.verdicts_2026_12 USING btree (batch) WHERE (batch IS NOT NULL);
CREATE INDEX verdicts_2026_12_domain_outcome_evaluated_at_idx ON public.verdicts_2026_12 USING btree (domain, outcome, evaluated_at);
CREATE INDEX verdicts_2026_12_subject_idx ON public.verdicts_2026_12 USING btree (subject);
CREATE INDEX verdicts_2027_01_batch_idx ON public.verdicts_2027_01 USING btree (batch) WHERE (batch IS NOT NULL);
CREATE INDEX verdicts_2027_01_domain_outcome_evaluated_at_idx ON public.verdicts_2027_01 USING btree (domain, outcome, evaluated_at);
CREATE INDEX verdicts_2027_01_subject_idx ON public.verdicts_2027_01 USING btree (subject);
CREATE INDEX verdicts_2027_02_batch_idx ON public.verdicts_2027_02 USING btree (batch) WHERE (batch IS NOT NULL);
CREATE INDEX verdicts_2027_02_domain_outcome_evaluated_at_idx ON public.verdicts_2027_02 USING btree (domain, outcome, evaluated_at);
CREATE INDEX verdicts_2027_02_subject_idx ON public.verdicts_2027_02 USING btree (subject);
CREATE INDEX verdicts_default_batch_idx ON public.verdicts_default USING btree (batch) WHERE (batch IS NOT NULL);
CREATE INDEX verdicts_default_domain_outcome_evaluated_at_idx ON public.verdicts_default USING btree (domain, outcome, evaluated_at);
CREATE INDEX verdicts_default_subject_idx ON public.verdicts_default USING btree (subject);
ALTER INDEX public.ix_verdicts_batch ATTACH PARTITION public.verdicts_2026_11_batch_idx;
ALTER INDEX public.ix_verdicts_domain_outcome_evaluated_at ATTACH PARTITION public.verdicts_2026_11_domain_outcome_evaluated_at_idx;
ALTER INDEX public.pk_verdicts ATTACH PARTITION public.verdicts_2026_11_pkey;
ALTER INDEX public.ix_verdicts_subject ATTACH PARTITION public.verdicts_2026_11_subject_idx;
ALTER INDEX public.ix_verdicts_batch ATTACH PARTITION public.verdicts_2026_12_batch_idx;
ALTER INDEX public.ix_verdicts_domain_outcome_evaluated_at ATTACH PARTITION public.verdicts_2026_12_domain_outcome_evaluated_at_idx;
ALTER INDEX public.pk_verdicts ATTACH PARTITION public.verdicts_2026_12_pkey;
ALTER INDEX public.ix_verdicts_subject ATTACH PARTITION public.verdicts_2026_12_subject_idx;
ALTER INDEX public.ix_verdicts_batch ATTACH PARTITION public.verdicts_2027_01_batch_idx;
ALTER INDEX public.ix_verdicts_domain_outcome_evaluated_at ATTACH PARTITION public.verdicts_2027_01_domain_outcome_evaluated_at_idx;
ALTER INDEX public.pk_verdicts ATTACH PARTITION public.verdicts_2027_01_pkey;
ALTER INDEX public.ix_verdicts_subject ATTACH PARTITION public.verdicts_2027_01_subject_idx;
ALTER INDEX public.ix_verdicts_batch ATTACH PARTITION public.verdicts_2027_02_batch_idx;
ALTER INDEX public.ix_verdicts_domain_outcome_evaluated_at ATTACH PARTITION public.verdicts_2027_02_domain_outcome_evaluated_at_idx;
ALTER INDEX public.pk_verdicts ATTACH PARTITION public.verdicts_2027_02_pkey;
ALTER INDEX public.ix_verdicts_subject ATTACH PARTITION public.verdicts_2027_02_subject_idx;
ALTER INDEX public.ix_verdicts_batch ATTACH PARTITION public.verdicts_default_batch_idx;
ALTER INDEX public.ix_verdicts_domain_outcome_evaluated_at ATTACH PARTITION public.verdicts_default_domain_outcome_evaluated_at_idx;
ALTER INDEX public.pk_verdicts ATTACH PARTITION public.verdicts_default_pkey;
ALTER INDEX public.ix_verdicts_subject ATTACH PARTITION public.verdicts_default_subject_idx;
ALTER TABLE ONLY public.chunks
    ADD CONSTRAINT fk_chunks_batch FOREIGN KEY (batch) REFERENCES public.batches(id) ON DELETE CASCADE;
