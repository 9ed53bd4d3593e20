//! Folders where known programs write while they run, so that they need a volume below a read-only root.

use super::config::RunConfig;

/// The program and the folder. `/var/run` is a link to `/run` in every distribution.
const CACHES: &[(&str, &str)] = &[
    ("nginx", "/var/cache/nginx"),
    ("nginx", "/run"),
    ("apache2", "/run/apache2"),
    ("apache2-foreground", "/run/apache2"),
    ("httpd-foreground", "/usr/local/apache2/logs"),
    ("postgres", "/run/postgresql"),
    ("mysqld", "/run/mysqld"),
    ("mariadbd", "/run/mysqld"),
    ("php-fpm", "/run"),
    ("haproxy", "/run/haproxy"),
    ("squid", "/var/spool/squid"),
    ("rabbitmq-server", "/var/lib/rabbitmq"),
    ("memcached", "/run/memcached"),
];

/// The folders of the program that the image starts: a word of ENTRYPOINT or CMD names it.
pub fn of(run: &RunConfig) -> Vec<&'static str> {
    let starts = |program: &str| {
        let mut words = run.entrypoint.iter().chain(&run.cmd);
        words.any(|word| word.rsplit('/').next() == Some(program))
    };
    CACHES.iter().filter(|(program, _)| starts(program)).map(|(_, folder)| *folder).collect()
}
