-- A large table beside those of the application: text found in documents, bench.texts pages of it
-- from number bench.first on.
--
-- Words are drawn by a hash, so the same number gives the same rows. No sentence comes back within
-- the few hundred kilobytes that a compressor looks behind, so the text compresses like prose,
-- three to one, and not like the filler of a load generator.

CREATE TEMP TABLE sentence ON COMMIT DROP AS
SELECT number, string_agg(words[1 + (hashint8(number * 64 + place) & 255)], ' ' ORDER BY place)
           || '.' AS line
FROM generate_series(0, 65535) AS number
CROSS JOIN generate_series(1, 11) AS place
CROSS JOIN (SELECT string_to_array(
    'approval antenna azimuth baseband battery cabinet cable calibration capacity carrier cell '
    'checklist clearance cluster commissioning configuration connector contractor coverage crane '
    'customer date delay delivery design document drawing earthing engineer equipment escalation '
    'evidence far feeder fiber field figure filter final floor frequency gain generator ground '
    'grounding handover hardware head height hop indoor inspection installation integration '
    'interference inventory invoice jumper label lightning link load log maintenance measurement '
    'meter microwave missing module mounting network neighbour node noise note number operator '
    'outdoor owner packet panel parameter path permit photo plan pole port power project '
    'protection punchlist quality radio reading rectifier redundancy region reject report request '
    'review revision risk roof safety schedule sector serial server shelter signal site sketch '
    'software spare staff station steel submission supplier survey switch team technical template '
    'test threshold tilt tower traffic transmission update upgrade vendor version visit voltage '
    'warehouse warranty waveguide weather window wiring work zone accepted after again agreed all '
    'already also and any approved at because been before below between both by checked closed '
    'completed confirmed corrected could daily described done down due during each east end every '
    'expected failed first five for found four from full given has have here in incomplete '
    'installed is item it its last late left less made may measured minor more must near next no '
    'north not of off old on one open or other our over pending per place planned proposed ready '
    'received rejected repaired replaced required right same second see sent seven shown since six '
    'so some south still submitted ten than that the their then there third this three time to two',
    ' ') AS words) AS vocabulary
GROUP BY number;

CREATE UNIQUE INDEX ON sentence (number);
ANALYZE sentence;

CREATE TABLE public.document_texts (
    id uuid NOT NULL,
    site_id text NOT NULL,
    document_type text NOT NULL,
    page integer NOT NULL,
    content text NOT NULL,
    confidence numeric(6, 4) NOT NULL,
    extracted_at timestamp NOT NULL
);

INSERT INTO public.document_texts
SELECT overlay(overlay(md5('text:' || n) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid,
       'JAW-JI-' || 4200 + n % 5000,
       (ARRAY['ATP_HARDWARE', 'ATP_SOFTWARE', 'INSTALLATION_PHOTO', 'COMPLETION_CERT'])
       [1 + n % 4],
       1 + n % 9,
       one.line || ' ' || two.line || ' ' || n || ' ' || three.line || ' ' || four.line,
       (hashint8(n) & 65535) / 65536.0,
       timestamp '2025-08-06' + interval '13 seconds' * n
FROM generate_series(
    current_setting('bench.first')::bigint,
    current_setting('bench.first')::bigint + current_setting('bench.texts')::bigint - 1
) AS n
JOIN sentence AS one ON one.number = hashint8(n) & 65535
JOIN sentence AS two ON two.number = hashint8(n + 1000000007) & 65535
JOIN sentence AS three ON three.number = hashint8(n + 2000000011) & 65535
JOIN sentence AS four ON four.number = hashint8(n + 3000000019) & 65535;

ALTER TABLE public.document_texts ADD PRIMARY KEY (id);
