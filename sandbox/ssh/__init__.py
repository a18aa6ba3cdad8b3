"""Access to the sandbox over real SSH, with host keys that are checked.

==============  =============================================================================
``endpoint``    where to log in and with which files: what an SSH client has to be told
``keys``        the key pair of the server, that of the client, and the list of known hosts
``background``  a server that any later process can find and stop
``sessions``    which processes belong to a server
``openssh``     an installed sshd, started by its caller on a port of its own
``builtin``     the sandbox's own server: starting it, stopping it, cutting its lines
``server``      its process: listens, accepts, ends
``session``     one client's connection to it
``link``        one channel of the connection, up to where it is cut
``command``     what runs behind a link
``sftp``        file transfer behind a link
``faults``      where lines are to be cut
``servers``     which server a sandbox has
==============  =============================================================================
"""
