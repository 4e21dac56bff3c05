-- The account of infra/dev.env, its database, and the right to those of tests, whose names begin with the same.
CREATE DATABASE IF NOT EXISTS fiberchat;
CREATE USER IF NOT EXISTS 'fiberchat'@'%' IDENTIFIED BY 'fiberchat';
GRANT ALL ON `fiberchat%`.* TO 'fiberchat'@'%';
