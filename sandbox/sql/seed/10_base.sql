-- Workspaces, users, sites and tasks.

INSERT INTO public.workspaces
    (id, code, name, customer_group_id, vendor_owner_id, is_active, created_at, updated_at)
SELECT pg_temp.workspace_id(w), code, name, customer, vendor, is_active,
       timestamp '2025-07-28 08:00', timestamp '2025-07-28 08:00'
FROM (VALUES
    (1, 'XLSMART-AVIAT', 'XLSMART Project by Aviat',
        'xlsmart-customer-group', 'aviat-vendor-owner', true),
    (2, 'ISAT-ZTE', 'Indosat Microwave Rollout by ZTE',
        'isat-customer-group', 'zte-vendor-owner', true),
    (3, 'TSEL-NOKIA', 'Telkomsel RAN Modernisation by Nokia',
        'tsel-customer-group', 'nokia-vendor-owner', true),
    -- Deleted in the application, which only clears is_active.
    (4, 'H3I-ERICS', 'Hutchison Swap by Ericsson',
        'h3i-customer-group', 'ericsson-vendor-owner', false)
) AS v (w, code, name, customer, vendor, is_active);

INSERT INTO public.users
    (id, email, username, "loginId", first_name, last_name, name, role, status, "isActive",
     "userType", password_hash, designation, last_login, created_at, updated_at)
SELECT pg_temp.user_id(w, m),
       lower(first_name || '.' || last_name) || w || '@apms.invalid',
       lower(first_name) || w || m,
       CASE WHEN m <= 8 THEN upper(substr(last_name, 1, 3)) || w || lpad(m::text, 2, '0') END,
       first_name, last_name, first_name || ' ' || last_name,
       (ARRAY['ADMIN', 'BO', 'SME', 'NOC', 'RTS', 'REGION', 'RTH', 'VENDOR'])[least(m, 8)],
       (CASE m WHEN 10 THEN 'INACTIVE' WHEN 11 THEN 'SUSPENDED' WHEN 12 THEN 'PENDING'
               ELSE 'ACTIVE' END)::public."UserStatus",
       m NOT IN (9, 10),
       (CASE WHEN m <= 2 THEN 'INTERNAL' WHEN m <= 7 THEN 'CUSTOMER' WHEN m % 2 = 0 THEN 'VENDOR'
             ELSE 'TOWER_PROVIDER' END)::public."UserType",
       -- Not the hash of anything; recognizable, should it ever show up in a report.
       'sandbox-not-a-hash-' || w || '-' || m,
       CASE m WHEN 1 THEN 'System Administrator' WHEN 8 THEN 'Site Engineer' END,
       CASE WHEN m <= 8 THEN pg_temp.today() - make_interval(hours => (w * m)::int) END,
       timestamp '2025-07-28 08:00', timestamp '2025-07-28 08:00'
FROM generate_series(1, 4) AS w,
     unnest(ARRAY['Agus', 'Budi', 'Citra', 'Dewi', 'Eko', 'Fitri', 'Gita', 'Hadi', 'Indra',
                  'Joko', 'Kartika', 'Lestari'],
            ARRAY['Santoso', 'Wijaya', 'Pratama', 'Kusuma', 'Saputra', 'Hidayat', 'Nugroho',
                  'Setiawan', 'Wibowo', 'Utomo', 'Siregar', 'Halim'])
         WITH ORDINALITY AS person (first_name, last_name, m);

-- Two workflows to a site, one site for each draft, and two sites that nothing has begun on.
INSERT INTO public.sites
    (id, site_id, site_name, scope, region, city, ne_latitude, ne_longitude, fe_latitude,
     fe_longitude, workspace_id, created_at, updated_at)
SELECT pg_temp.make_id('site', s * 4 + w), pg_temp.site_code(w, s),
       city || ' ' || s, (ARRAY['MW', 'RAN', 'PLN'])[s % 3 + 1], region, city,
       latitude + (s % 90) * 0.001, longitude + (s % 70) * 0.001,
       latitude + (s % 90) * 0.001 + 0.02, longitude + (s % 70) * 0.001 + 0.03,
       pg_temp.workspace_id(w), timestamp '2025-07-29 08:00', timestamp '2025-07-29 08:00'
FROM generate_series(1, 4) AS w
CROSS JOIN generate_series(1, pg_temp.scale() * 14 + 2) AS s
JOIN (VALUES
    (1, 'East Java', 'Surabaya', -7.25, 112.70),
    (2, 'East Java', 'Kangean', -6.95, 115.30),
    (3, 'East Java', 'Sumenep', -7.00, 113.80),
    (4, 'West Java', 'Bandung', -6.95, 107.55),
    (5, 'West Java', 'Bekasi', -6.25, 106.95),
    (6, 'Central Java', 'Semarang', -7.00, 110.40),
    (7, 'Jakarta', 'Jakarta CBD', -6.21, 106.80)
) AS place (g, region, city, latitude, longitude) ON place.g = (s - 1) % 7 + 1;

INSERT INTO public.tasks
    (id, task_code, assigned_to, assigned_by, site_id, workspace_id, status, created_at,
     updated_at)
SELECT pg_temp.make_id('task', n * 4 + w), 'TASK-' || w || '-' || lpad(n::text, 4, '0'),
       pg_temp.user_id(w, 3 + n % 5), pg_temp.user_id(w, 1),
       pg_temp.make_id('site', n * 4 + w), pg_temp.workspace_id(w),
       (ARRAY['pending', 'in_progress', 'completed'])[n % 3 + 1],
       timestamp '2025-12-01 08:00', timestamp '2025-12-01 08:00'
FROM generate_series(1, 4) AS w, generate_series(1, 6) AS n;
