"""Guides and safety cases in versions, who read them and what they said, bulletins

Revision: 0034
Follows: 0033
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0034'
down_revision = '0033'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('articles',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('kind', sa.Enum('claim_guide', 'safety_case', 'notice', name='articlekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('slug', sa.String(length=64), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('is_supplied', sa.Boolean(), nullable=False),
    sa.Column('made_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_articles_account_id_key_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_articles')),
    sa.UniqueConstraint('slug', name=op.f('uq_articles_slug'))
    )
    with op.batch_alter_table('articles', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_articles_account_id'), ['account_id'], unique=False)

    op.create_table('article_versions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('article_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'in_review', 'published', 'replaced', 'withdrawn', name='versionstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('title_en', sa.String(length=200), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('summary_en', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('body_en', sa.Text(), nullable=False),
    sa.Column('change_note', sa.String(length=200), nullable=False),
    sa.Column('author_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('editors', db.Json(), nullable=False),
    sa.Column('written_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('returned_reason', sa.Text(), nullable=False),
    sa.Column('published_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('published_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('withdrawn_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('withdrawn_reason', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(published_at IS NULL) = (state IN ('draft', 'in_review'))", name=op.f('ck_article_versions_published')),
    sa.CheckConstraint('published_by_id IS NULL OR published_by_id <> author_id', name=op.f('ck_article_versions_second_person')),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_article_versions_article_id_articles')),
    sa.ForeignKeyConstraint(['author_id'], ['users.id'], name=op.f('fk_article_versions_author_id_users')),
    sa.ForeignKeyConstraint(['published_by_id'], ['users.id'], name=op.f('fk_article_versions_published_by_id_users')),
    sa.ForeignKeyConstraint(['withdrawn_by_id'], ['users.id'], name=op.f('fk_article_versions_withdrawn_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article_versions')),
    sa.UniqueConstraint('article_id', 'number', name=op.f('uq_article_versions_article_id_number'))
    )
    with op.batch_alter_table('article_versions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_article_versions_state'), ['state'], unique=False)
        batch_op.create_index('uq_article_versions_open', ['article_id'], unique=True, sqlite_where=sa.text("state IN ('draft', 'in_review')"), postgresql_where=sa.text("state IN ('draft', 'in_review')"))
        batch_op.create_index('uq_article_versions_shown', ['article_id'], unique=True, sqlite_where=sa.text("state = 'published'"), postgresql_where=sa.text("state = 'published'"))

    op.create_table('knowledge_bulletins',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('dated_on', sa.Date(), nullable=False),
    sa.Column('intro', sa.Text(), nullable=False),
    sa.Column('intro_en', sa.Text(), nullable=False),
    sa.Column('made_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('made_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('sent_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('sent_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(sent_at IS NULL) = (sent_by_id IS NULL)', name=op.f('ck_knowledge_bulletins_sent')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_knowledge_bulletins_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['made_by_id'], ['users.id'], name=op.f('fk_knowledge_bulletins_made_by_id_users')),
    sa.ForeignKeyConstraint(['sent_by_id'], ['users.id'], name=op.f('fk_knowledge_bulletins_sent_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_knowledge_bulletins')),
    sa.UniqueConstraint('account_id', 'number', name=op.f('uq_knowledge_bulletins_account_id_number'))
    )
    op.create_table('article_files',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_article_files_document_id_documents')),
    sa.ForeignKeyConstraint(['version_id'], ['article_versions.id'], name=op.f('fk_article_files_version_id_article_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article_files')),
    sa.UniqueConstraint('version_id', 'ordinal', name=op.f('uq_article_files_version_id_ordinal'))
    )
    with op.batch_alter_table('article_files', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_article_files_document_id'), ['document_id'], unique=False)

    op.create_table('article_opinions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('is_helpful', sa.Boolean(), nullable=False),
    sa.Column('word', sa.Text(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_article_opinions_user_id_users')),
    sa.ForeignKeyConstraint(['version_id'], ['article_versions.id'], name=op.f('fk_article_opinions_version_id_article_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article_opinions')),
    sa.UniqueConstraint('version_id', 'user_id', name=op.f('uq_article_opinions_version_id_user_id'))
    )
    op.create_table('article_reads',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_article_reads_user_id_users')),
    sa.ForeignKeyConstraint(['version_id'], ['article_versions.id'], name=op.f('fk_article_reads_version_id_article_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article_reads')),
    sa.UniqueConstraint('version_id', 'user_id', name=op.f('uq_article_reads_version_id_user_id'))
    )
    op.create_table('article_topics',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('axis', sa.Enum('feature', 'use_class', 'moment', name='topicaxis', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['version_id'], ['article_versions.id'], name=op.f('fk_article_topics_version_id_article_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article_topics')),
    sa.UniqueConstraint('version_id', 'axis', 'code', name=op.f('uq_article_topics_version_id_axis_code'))
    )
    op.create_table('knowledge_bulletin_articles',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('bulletin_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['bulletin_id'], ['knowledge_bulletins.id'], name=op.f('fk_knowledge_bulletin_articles_bulletin_id_knowledge_bulletins')),
    sa.ForeignKeyConstraint(['version_id'], ['article_versions.id'], name=op.f('fk_knowledge_bulletin_articles_version_id_article_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_knowledge_bulletin_articles')),
    sa.UniqueConstraint('bulletin_id', 'ordinal', name=op.f('uq_knowledge_bulletin_articles_bulletin_id_ordinal')),
    sa.UniqueConstraint('bulletin_id', 'version_id', name=op.f('uq_knowledge_bulletin_articles_bulletin_id_version_id'))
    )


def downgrade() -> None:
    op.drop_table('knowledge_bulletin_articles')
    op.drop_table('article_topics')
    op.drop_table('article_reads')
    op.drop_table('article_opinions')
    with op.batch_alter_table('article_files', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_article_files_document_id'))

    op.drop_table('article_files')
    op.drop_table('knowledge_bulletins')
    with op.batch_alter_table('article_versions', schema=None) as batch_op:
        batch_op.drop_index('uq_article_versions_shown', sqlite_where=sa.text("state = 'published'"), postgresql_where=sa.text("state = 'published'"))
        batch_op.drop_index('uq_article_versions_open', sqlite_where=sa.text("state IN ('draft', 'in_review')"), postgresql_where=sa.text("state IN ('draft', 'in_review')"))
        batch_op.drop_index(batch_op.f('ix_article_versions_state'))

    op.drop_table('article_versions')
    with op.batch_alter_table('articles', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_articles_account_id'))

    op.drop_table('articles')
