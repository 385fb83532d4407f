-- Reserved for tenant-isolation while version 0.2.0 is being made.
select 1;
